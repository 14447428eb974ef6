"""What conjugate gradients are preconditioned with: the curvature of all rows, or of each model.

A preconditioner must be positive definite whatever was rounded. Each of these is by construction:
a sum of the identity and of squares, or the square of a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats
from goalkeeper.training.subsets import SubsetFeatures

# Penalty that the bias, which has none, is given here: without one, directions that only the bias
# moves could have no curvature at all. Small beside the weights' penalty of 1, so that it hardly
# changes any other direction.
BIAS_PENALTY = 1e-3
# Curvature that float32 can still divide by: its reciprocal is two orders of magnitude above the
# rounding of 6e-8 that is left of a number of order 1. Beyond, rounding would change its sign.
MAX_FLOAT32_CURVATURE = 1e5
# Halko et al. (2011) advise 5 or 10 directions more than wanted, and a power iteration or two where
# eigenvalues fall slowly. A preconditioner bears directions that are found less precisely.
OVERSAMPLING = 4
POWER_ITERATIONS = 2
MODELS_AT_ONCE = 8  # fewer models are summed one by one: one product each is then faster
BLOCK_ROWS = 512  # whose products are summed at a time: they stay in the cache
# What is added to a diagonal of ones, so that rounding leaves no matrix that is not positive
# definite: the roundings of a sum of as many terms as there are unknowns; where that does not do,
# 30 times as much, and so on.
JITTER_ROUNDINGS = 4
JITTER_GROWTH = 30


class Preconditioner(Protocol):
    """An approximation of the Hessian of B models."""

    def select(self, models: NDArray[Any]) -> Preconditioner:
        """Keep some of the models."""
        ...

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by it."""
        ...


@dataclass(frozen=True, eq=False)
class SharedPreconditioner:
    """The curvature of the model on all rows, or its steepest directions, for all subsets.

    `vectors (d + 1, r)` and `values (r,)` are eigenvectors and eigenvalues of the curvature of the
    losses, in unknowns whose penalty is the identity: the bias, which is not penalised, counts as
    penalised by `BIAS_PENALTY`. `share (B,)` scales the values to each subset.
    """

    vectors: Floats
    values: Floats
    share: Floats

    def select(self, models: NDArray[Any]) -> SharedPreconditioner:
        """Keep some of the models."""
        return SharedPreconditioner(self.vectors, self.values, self.share[models])

    def cast(self, dtype: Any) -> SharedPreconditioner:
        """Change the precision."""
        parts = (self.vectors, self.values, self.share)
        return SharedPreconditioner(*(a.astype(dtype, copy=False) for a in parts))

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by the approximate curvature.

        With eigenvectors V and eigenvalues e, that is `V / (1 + e) V'` where V is complete, and
        else `1 + V (1 / (1 + e) - 1) V'`: only the penalty curves what is left out. There, what is
        steeper than `MAX_FLOAT32_CURVATURE` is divided by that: V is known to float32 only, and
        what it leaves of `right` must stay smaller than the quotient.
        """
        scaled = right.copy()
        scaled[-1] *= right.dtype.type(BIAS_PENALTY**-0.5)
        complete = len(self.values) == len(self.vectors)
        steepness = self.values[:, None] * self.share
        if complete:
            factors = 1 / (1 + steepness)
        else:
            factors = 1 / (1 + np.minimum(steepness, MAX_FLOAT32_CURVATURE)) - 1
        flat = scaled.reshape(len(right), -1)
        coordinates = (self.vectors.T @ flat).reshape(len(self.values), *right.shape[1:])
        coordinates *= factors.astype(coordinates.dtype)[:, :, None]
        moved = self.vectors @ coordinates.reshape(len(coordinates), flat.shape[1])
        moved = moved.reshape(right.shape)
        out: Floats = moved if complete else np.add(scaled, moved, out=scaled)
        out[-1] *= right.dtype.type(BIAS_PENALTY**-0.5)
        return out


@dataclass(frozen=True, eq=False)
class ModelPreconditioner:
    """The curvature of every model and class itself: `inverse_root (B, k, d + 1, d + 1)`.

    The inverse is the square of `inverse_root`, its transposed times itself. What ties classes to
    one another is left out.
    """

    inverse_root: Floats

    def select(self, models: NDArray[Any]) -> ModelPreconditioner:
        """Keep some of the models."""
        return ModelPreconditioner(self.inverse_root[models])

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by the curvature."""
        columns = np.ascontiguousarray(right.transpose(1, 2, 0))[..., None]
        transformed = np.matmul(self.inverse_root, columns)
        solution = np.matmul(self.inverse_root.swapaxes(2, 3), transformed)[..., 0]
        out = np.ascontiguousarray(solution.transpose(2, 0, 1))
        if right.shape[2] > 1:  # what all classes share changes no probability
            out -= out.mean(axis=2, keepdims=True)
        return out


def build_model_preconditioner(
    features: SubsetFeatures, row_curvature: Floats, *, intercept: bool
) -> ModelPreconditioner:
    """Invert the curvature of every model and class; `row_curvature (n, B, k)` weighs rows.

    Columns are scaled to a diagonal of ones before anything is divided, so that their units do not
    matter; what rounding could make negative is added to it.
    """
    complete = _sum_curvature(features, row_curvature, intercept=intercept).astype(np.float64)
    diagonal = np.arange(complete.shape[2])
    complete[:, :, diagonal[:-1], diagonal[:-1]] += 1  # the penalty: half the squared weights
    column_size = np.sqrt(complete[:, :, diagonal, diagonal])
    scale = np.divide(1, column_size, out=np.ones_like(column_size), where=column_size > 0)
    complete *= scale[:, :, :, None]
    complete *= scale[:, :, None, :]
    complete[~np.isfinite(complete)] = 0
    jitter = JITTER_ROUNDINGS * len(diagonal) * float(np.finfo(row_curvature.dtype).eps)
    while True:
        complete[:, :, diagonal, diagonal] = 1 + jitter
        try:
            cholesky = np.linalg.cholesky(complete)
        except np.linalg.LinAlgError:
            jitter *= JITTER_GROWTH
        else:
            inverse_root = np.linalg.inv(cholesky) * scale[:, :, None, :]
            return ModelPreconditioner(inverse_root.astype(row_curvature.dtype))


def _sum_curvature(features: SubsetFeatures, row_curvature: Floats, *, intercept: bool) -> Floats:
    """Sum the products of any two features, the bias being one, over rows: `(B, k, D, D)`."""
    models, classes = row_curvature.shape[1:]
    width, columns = features.width, int(features.matrix.shape[1])
    out = np.empty((models, classes, width + 1, width + 1), dtype=row_curvature.dtype)
    weighted = row_curvature
    if features.row_scale is not None:
        weighted = row_curvature * (features.row_scale * features.row_scale)[:, :, None]
    flat = weighted.reshape(len(weighted), -1)
    sums = _sum_pairs if isinstance(features.matrix, np.ndarray) else _sum_sparse_pairs
    pairs = sums(features, flat).reshape(models, classes, columns, columns)
    pairs = pairs if features.gaps is None else features.gaps.collect_pairs(pairs)
    total = row_curvature.sum(axis=0)  # (B, k)
    all_rows = slice(0, len(row_curvature))
    of_bias = features.collect(features.backward(all_rows, row_curvature.copy()))
    of_bias = of_bias.transpose(1, 2, 0)
    if features.shift is not None:  # (x - s)(x - s)' = x x' - x s' - s x' + s s', summed
        shift = features.shift.T[:, None, :]
        cross_terms = of_bias[..., :, None] * shift[..., None, :]
        pairs -= cross_terms + cross_terms.swapaxes(2, 3)
        pairs += total[..., None, None] * shift[..., :, None] * shift[..., None, :]
        of_bias = of_bias - shift * total[..., None]
    if features.scale is not None:
        scale = features.scale.T[:, None, :]
        pairs *= scale[..., :, None]
        pairs *= scale[..., None, :]
        of_bias = of_bias * scale
    out[..., :-1, :-1] = pairs
    out[..., -1, :-1] = out[..., :-1, -1] = of_bias if intercept else 0.0
    out[..., -1, -1] = total if intercept else 0.0
    return out


def _sum_pairs(features: SubsetFeatures, row_curvature: Floats) -> Floats:
    """Sum products of two columns, rows weighed by columns of `row_curvature (n, B)`: `(B, d, d)`.

    Products of one column with all later ones are taken once, and summed for all models.
    """
    width = int(features.matrix.shape[1])
    matrix = features.matrix
    if row_curvature.shape[1] < MODELS_AT_ONCE:
        return np.stack([(matrix * w[:, None]).T @ matrix for w in row_curvature.T])
    out = np.zeros((width, width, row_curvature.shape[1]), dtype=row_curvature.dtype)
    for start in range(0, len(row_curvature), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        columns, weights = np.ascontiguousarray(matrix[rows].T), row_curvature[rows]
        for j in range(width):
            out[j, j:] += (columns[j:] * columns[j]) @ weights
    by_model = np.ascontiguousarray(out.transpose(2, 0, 1))
    row, column = np.tril_indices(width, -1)
    by_model[:, row, column] = by_model[:, column, row]  # what stands below the diagonal
    return by_model


def _sum_sparse_pairs(features: SubsetFeatures, row_curvature: Floats) -> Floats:
    sums = [(features.transposed.multiply(w) @ features.matrix).toarray() for w in row_curvature.T]
    return np.stack(sums).astype(row_curvature.dtype)


def decompose_curvature(
    features: SubsetFeatures, row_curvature: Floats, *, intercept: bool
) -> SharedPreconditioner:
    """Find every direction of the curvature of one model; `row_curvature (n,)` weighs rows."""
    weights = row_curvature[:, None, None]
    complete = _sum_curvature(features, weights, intercept=intercept)[0, 0].astype(np.float64)
    complete[-1] *= BIAS_PENALTY**-0.5
    complete[:, -1] *= BIAS_PENALTY**-0.5
    eigenvalues, vectors = np.linalg.eigh(complete)
    return _shared(vectors, eigenvalues)


def find_steepest(
    multiply: Callable[[Floats], Floats], width: int, rank: int
) -> SharedPreconditioner:
    """Find about `rank` steepest directions of `multiply`, a curvature `(width, width)`.

    Reference: Halko, Martinsson and Tropp, Finding structure with randomness, 2011, algorithm 4.4.
    """
    rank = min(rank, width // 4)  # more would not be worth it: few directions remain
    if rank == 0:
        return _shared(np.empty((width, 0)), np.empty(0))
    # Any draw will do: what is sought decides nothing but how many steps are taken.
    drawn = np.random.default_rng(0).normal(size=(width, rank + OVERSAMPLING))[:, : width - 1]
    basis: Floats = drawn.astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        basis = np.linalg.qr(multiply(basis))[0]
    projected = basis.T @ multiply(basis)
    eigenvalues, rotation = np.linalg.eigh((projected + projected.T) / 2)
    return _shared((basis @ rotation)[:, -rank:], eigenvalues[-rank:])


def _shared(vectors: Floats, eigenvalues: Floats) -> SharedPreconditioner:
    return SharedPreconditioner(vectors, np.maximum(eigenvalues, 0.0), np.ones(1)).cast(np.float32)
