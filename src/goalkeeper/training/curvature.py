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
from goalkeeper.training.features import Lens

FREE = 1e-3  # penalty of the bias in the leading curvature; it has none
STEEP = 1e5  # curvature that float32 can still divide by; beyond, rounding would change its sign
EXTRA = 4  # directions more than wanted while the leading ones are sought
ROUNDS = 2
FEW = 8  # models that are summed one by one
ROWS = 512  # rows whose products are summed at a time


class Curvature(Protocol):
    """An approximation of the Hessian of B models."""

    def only(self, models: NDArray[Any]) -> Curvature:
        """Keep some of the models."""
        ...

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by it."""
        ...


@dataclass(frozen=True, eq=False)
class Leading:
    """The curvature of the model on all rows, or its steepest directions, for all subsets.

    `vectors (d + 1, r)` and `values (r,)` are eigenvectors and eigenvalues of the curvature of the
    losses, in unknowns whose penalty is the identity: the bias, which is not penalised, counts as
    penalised by `FREE`. `share (B,)` scales the values to each subset.
    """

    vectors: Floats
    values: Floats
    share: Floats

    def only(self, models: NDArray[Any]) -> Leading:
        """Keep some of the models."""
        return Leading(self.vectors, self.values, self.share[models])

    def cast(self, dtype: Any) -> Leading:
        """Change the precision."""
        parts = (self.vectors, self.values, self.share)
        return Leading(*(a.astype(dtype, copy=False) for a in parts))

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by the approximate curvature.

        Where directions are left out, what is steeper than `STEEP` is divided by that: the vectors
        are known to float32 only, and what is left of `right` beside them must stay smaller than
        what they are divided to.
        """
        scaled = right.copy()
        scaled[-1] *= right.dtype.type(FREE**-0.5)
        whole = len(self.values) == len(self.vectors)
        steep = self.values[:, None] * self.share
        pace = 1 / (1 + steep) if whole else 1 / (1 + np.minimum(steep, STEEP)) - 1
        flat = scaled.reshape(len(right), -1)
        inner = (self.vectors.T @ flat).reshape(len(self.values), *right.shape[1:])
        inner *= pace.astype(inner.dtype)[:, :, None]
        moved = (self.vectors @ inner.reshape(len(inner), flat.shape[1])).reshape(right.shape)
        out: Floats = moved if whole else np.add(scaled, moved, out=scaled)
        out[-1] *= right.dtype.type(FREE**-0.5)
        return out


@dataclass(frozen=True, eq=False)
class Exact:
    """The curvature of every model and class itself: `half (B, k, d + 1, d + 1)`.

    The inverse is the square of `half`, its transposed times itself. What ties classes to one
    another is left out.
    """

    half: Floats

    def only(self, models: NDArray[Any]) -> Exact:
        """Keep some of the models."""
        return Exact(self.half[models])

    def solve(self, right: Floats) -> Floats:
        """Divide `(d + 1, B, k)` by the curvature."""
        columns = np.ascontiguousarray(right.transpose(1, 2, 0))[..., None]
        halved = np.matmul(self.half, columns)
        found = np.matmul(self.half.swapaxes(2, 3), halved)[..., 0]
        out = np.ascontiguousarray(found.transpose(2, 0, 1))
        if right.shape[2] > 1:  # what all classes share changes no probability
            out -= out.mean(axis=2, keepdims=True)
        return out


def exact(lens: Lens, bends: Floats, *, intercept: bool) -> Exact:
    """Sum the curvature of every model and class, plus the penalty; `bends (n, B, k)` weighs rows.

    Columns are scaled to a diagonal of ones before anything is divided, so that their units do not
    matter; what rounding could make negative is added to it.
    """
    whole = _curvature(lens, bends, intercept=intercept).astype(np.float64)
    corner = np.arange(whole.shape[2])
    whole[:, :, corner[:-1], corner[:-1]] += 1
    size = np.sqrt(whole[:, :, corner, corner])
    scale = np.divide(1, size, out=np.ones_like(size), where=size > 0)
    whole *= scale[:, :, :, None]
    whole *= scale[:, :, None, :]
    whole[~np.isfinite(whole)] = 0
    jitter = 4 * len(corner) * float(np.finfo(bends.dtype).eps)
    while True:
        whole[:, :, corner, corner] = 1 + jitter
        try:
            root = np.linalg.cholesky(whole)
        except np.linalg.LinAlgError:
            jitter *= 30
        else:
            half = np.linalg.inv(root) * scale[:, :, None, :]
            return Exact(half.astype(bends.dtype))


def _curvature(lens: Lens, bends: Floats, *, intercept: bool) -> Floats:
    """Sum the products of any two features, the bias being one, over rows: `(B, k, D, D)`."""
    models, classes = bends.shape[1:]
    width = int(lens.matrix.shape[1])
    out = np.empty((models, classes, width + 1, width + 1), dtype=bends.dtype)
    shrunk = bends if lens.shrink is None else bends * (lens.shrink * lens.shrink)[:, :, None]
    flat = shrunk.reshape(len(shrunk), -1)
    sums = _pairs if isinstance(lens.matrix, np.ndarray) else _sparse_pairs
    body = sums(lens, flat).reshape(models, classes, width, width)
    total = bends.sum(axis=0)  # (B, k)
    every = slice(0, len(bends))
    line = lens.backward(every, bends.copy()).transpose(1, 2, 0)
    if lens.shift is not None:
        shift = lens.shift.T[:, None, :]
        mixed = line[..., :, None] * shift[..., None, :]
        body -= mixed + mixed.swapaxes(2, 3)
        body += total[..., None, None] * shift[..., :, None] * shift[..., None, :]
        line = line - shift * total[..., None]
    if lens.scale is not None:
        scale = lens.scale.T[:, None, :]
        body *= scale[..., :, None]
        body *= scale[..., None, :]
        line = line * scale
    out[..., :-1, :-1] = body
    out[..., -1, :-1] = out[..., :-1, -1] = line if intercept else 0.0
    out[..., -1, -1] = total if intercept else 0.0
    return out


def _pairs(lens: Lens, bends: Floats) -> Floats:
    """Sum products of two columns, rows weighed by columns of `bends (n, B)`: `(B, d, d)`.

    Products of one column with all later ones are taken once, and summed for all models.
    """
    width = int(lens.matrix.shape[1])
    if bends.shape[1] < FEW:
        return np.stack([(lens.matrix * b[:, None]).T @ lens.matrix for b in bends.T])
    out = np.zeros((width, width, bends.shape[1]), dtype=bends.dtype)
    for start in range(0, len(bends), ROWS):
        rows = slice(start, start + ROWS)
        columns, weights = np.ascontiguousarray(lens.matrix[rows].T), bends[rows]
        for j in range(width):
            out[j, j:] += (columns[j:] * columns[j]) @ weights
    full = np.ascontiguousarray(out.transpose(2, 0, 1))
    low = np.tril_indices(width, -1)
    full[:, low[0], low[1]] = full[:, low[1], low[0]]
    return full


def _sparse_pairs(lens: Lens, bends: Floats) -> Floats:
    found = [(lens.transposed.multiply(b) @ lens.matrix).toarray() for b in bends.T]
    return np.stack(found).astype(bends.dtype)


def taken_apart(lens: Lens, spread: Floats, *, intercept: bool) -> Leading:
    """Find every direction of the curvature of the model on all rows; `spread (n,)` weighs rows."""
    whole = _curvature(lens, spread[:, None, None], intercept=intercept)[0, 0].astype(np.float64)
    whole[-1] *= FREE**-0.5
    whole[:, -1] *= FREE**-0.5
    values, vectors = np.linalg.eigh(whole)
    return _leading(vectors, values)


def steepest(times: Callable[[Floats], Floats], width: int, rank: int) -> Leading:
    """Find about `rank` steepest directions of `times`, a curvature `(width, width)`.

    Reference: Halko, Martinsson and Tropp, Finding structure with randomness, 2011, algorithm 4.4.
    """
    rank = min(rank, width // 4)
    if rank == 0:
        return _leading(np.empty((width, 0)), np.empty(0))
    found = np.random.default_rng(0).normal(size=(width, rank + EXTRA))[:, : width - 1]
    found = found.astype(np.float32)
    for _ in range(ROUNDS):
        found = np.linalg.qr(times(found))[0]
    small = found.T @ times(found)
    values, turn = np.linalg.eigh((small + small.T) / 2)
    return _leading((found @ turn)[:, -rank:], values[-rank:])


def _leading(vectors: Floats, values: Floats) -> Leading:
    return Leading(vectors, np.maximum(values, 0.0), np.ones(1)).cast(np.float32)
