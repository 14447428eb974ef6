"""What one subset makes of the shared matrix, and how weights and gradients follow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats
from goalkeeper.training.gaps import GapFill

PIECE_NUMBERS = 1 << 17  # of one array that are worked on at a time: 1 MiB of float64, in the cache
MIN_PIECE_ROWS = 256  # so that wide arrays are not cut into products that are all overhead


@dataclass(frozen=True, eq=False)
class SubsetFeatures:
    """The features of B subsets: `matrix (n, d)` seen through their own preprocessing.

    Features of subset b are `(matrix - shift) * scale * row_scale`: `scale` and `shift` are
    `(d, B)`, `row_scale` is `(n, B)`; None stands for 1, 0 and 1. Never both shift and row scale.
    `gaps` says what a subset fills in where a cell is missing; the matrix then has columns more.
    `origin (d,)` was taken from the matrix although no preprocessing says so: models with a bias
    are the same, and are computed more precisely.
    """

    matrix: Any
    transposed: Any
    scale: Floats | None = None
    shift: Floats | None = None
    row_scale: Floats | None = None
    origin: Floats | None = None
    gaps: GapFill | None = None

    @property
    def width(self) -> int:
        """Number of features d."""
        return int(self.matrix.shape[1]) if self.gaps is None else self.gaps.width

    def select(self, models: NDArray[Any]) -> SubsetFeatures:
        """Keep some of the subsets."""
        arrays = (self.scale, self.shift, self.row_scale)
        selected = [None if a is None else select_models(a, models) for a in arrays]
        gaps = None if self.gaps is None else self.gaps.select(models)
        return replace(self, scale=selected[0], shift=selected[1], row_scale=selected[2], gaps=gaps)

    def row_pieces(self, width: int) -> Iterator[slice]:
        """Cut the rows so that `width` numbers a row stay in the cache; sparse rows are one."""
        n = int(self.matrix.shape[0])
        dense = isinstance(self.matrix, np.ndarray)
        size = max(MIN_PIECE_ROWS, PIECE_NUMBERS // max(1, width)) if dense else n
        for start in range(0, n, max(1, size)):
            yield slice(start, min(start + size, n))

    def forward(self, rows: slice, weights: Floats, bias: Floats) -> Floats:
        """Multiply some rows by folded `weights (d, B, k)` and `bias (B, k)`: `(m, B, k)`."""
        matrix = self._take_rows(rows)
        out: Floats = (matrix @ weights.reshape(len(weights), -1)).reshape(-1, *bias.shape)
        if self.row_scale is not None:
            out *= self.row_scale[rows, :, None]
        out += bias
        return out

    def backward(self, rows: slice, values: Floats) -> Floats:
        """Multiply some transposed rows by `values (m, B, k)`, which are used up: `(d, B, k)`."""
        if self.row_scale is not None:
            values *= self.row_scale[rows, :, None]
        matrix = self.transposed if self._is_whole(rows) else self._take_rows(rows).T
        out: Floats = (matrix @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
        return out

    def unfold_gradient(self, product: Floats, total: Floats) -> Floats:
        """Turn what `backward` gave, summed over all rows, into features; in place.

        `total (B, k)` sums the values that were carried back.
        """
        product = self.collect(product)
        if self.shift is not None:
            product -= self.shift[:, :, None] * total
        if self.scale is not None:
            product *= self.scale[:, :, None]
        return product

    def collect(self, product: Floats) -> Floats:
        """Turn products with the columns of the matrix into those with filled features."""
        return product if self.gaps is None else self.gaps.collect(product)

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights on features into weights on the shared matrix; bias is `(B, k)`."""
        if self.scale is not None:
            weights = weights * self.scale[:, :, None]
        if self.shift is not None:
            bias = bias - np.einsum("db,dbk->bk", self.shift, weights)
        return weights if self.gaps is None else self.gaps.extend(weights), bias

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Undo `fold`; a feature of scale 0 gets weight 0."""
        weights = weights[: self.width]
        if self.shift is not None:
            bias = bias + np.einsum("db,dbk->bk", self.shift, weights)
        if self.scale is not None:
            weights = weights / np.where(self.scale == 0, np.inf, self.scale)[:, :, None]
        return weights, bias

    def _is_whole(self, rows: slice) -> bool:
        return bool(rows.start == 0 and rows.stop == self.matrix.shape[0])

    def _take_rows(self, rows: slice) -> Any:
        return self.matrix if self._is_whole(rows) else self.matrix[rows]


class SharedMatrix:
    """One matrix `(n, d)` and its transposed, in the precisions in which they are wanted."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self._casts: dict[Any, tuple[Any, Any]] = {}

    def cast(self, dtype: Any) -> tuple[Any, Any]:
        """Return matrix and transposed, both made for row-wise products."""
        if dtype not in self._casts:
            matrix = self.matrix.astype(dtype, copy=False)
            dense = isinstance(matrix, np.ndarray)
            self._casts[dtype] = (matrix, matrix.T if dense else matrix.T.tocsr())
        return self._casts[dtype]

    def squared(self, dtype: Any) -> Any:
        """Square every entry."""
        matrix = self.cast(dtype)[0]
        return matrix.multiply(matrix).tocsr()


def select_models(values: Floats, models: NDArray[Any]) -> Floats:
    """Keep some of the models of `(n, B, ...)`, contiguous: numpy would turn the axes around."""
    return np.ascontiguousarray(np.take(values, models, axis=1))
