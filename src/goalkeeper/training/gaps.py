"""Missing cells that every subset fills in with its own mean, median or most frequent value.

The shared matrix has what all rows together would fill in, and further columns that are 1 where a
cell is missing. Subset b then differs by `change` in these cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class GapFill:
    """How subsets fill in cells: feature `columns[g]` gets `change[g]` more where a mark is 1.

    Parameters
    ----------
    width
        Number of features; the marks are the columns of the matrix behind them.
    marks
        Number of marks.
    columns, places
        Features that are filled in, and the mark of each, `(g,)`.
    change
        `(g, B)`, in units of the matrix.
    """

    width: int
    marks: int
    columns: Ints
    places: Ints
    change: Floats

    def select(self, models: NDArray[Any] | slice, dtype: Any = None) -> GapFill:
        """Keep some of the subsets."""
        change = self.change[:, models]
        return replace(self, change=change if dtype is None else change.astype(dtype))

    def extend(self, weights: Floats) -> Floats:
        """Add the weights of the marks to those of the features, `(d, B, k)`."""
        out = np.zeros((self.width + self.marks, *weights.shape[1:]), dtype=weights.dtype)
        out[: self.width] = weights
        moved = weights[self.columns] * self.change[:, :, None]
        np.add.at(out, self.width + self.places, moved)
        return out

    def collect(self, product: Floats) -> Floats:
        """Turn products with features and marks into those with the filled features `(d, B, k)`."""
        out = product[: self.width].copy()
        np.add.at(out, self.columns, product[self.width + self.places] * self.change[:, :, None])
        return out

    def collect_pairs(self, pairs: Floats) -> Floats:
        """Turn products of any two columns `(B, k, D, D)` into those of any two features."""
        for axis in (2, 3):
            moved = np.moveaxis(pairs, axis, 0)  # (D, B, k, D or d)
            out = moved[: self.width].copy()
            change = self.change[:, :, None, None]
            np.add.at(out, self.columns, moved[self.width + self.places] * change)
            pairs = np.moveaxis(out, 0, axis)
        return np.ascontiguousarray(pairs)


def fill_values(strategy: str, numbers: Floats, missing: Bools, masks: Bools) -> Floats:
    """Find what SimpleImputer fills in in every subset `(N, n)`: `(d, N)`.

    Parameters
    ----------
    strategy
        `mean`, `median` or `most_frequent`.
    numbers, missing
        Columns `(n, d)`, and where they have no value.
    masks
        Subsets `(N, n)`. NaN for one in which a column has no value at all.
    """
    out = np.full((numbers.shape[1], len(masks)), np.nan)
    for j, column in enumerate(numbers.T):
        for i, mask in enumerate(masks):
            there: Floats = column[mask & ~missing[:, j]]
            if len(there):
                out[j, i] = FILLS[strategy](there)
    return out


def _most_frequent(values: Floats) -> float:
    kinds, counts = np.unique(values, return_counts=True)
    return float(kinds[counts.argmax()])  # the lowest among equals


FILLS: Mapping[str, Callable[[Floats], Any]] = {
    "mean": np.mean,
    "median": np.median,
    "most_frequent": _most_frequent,
}
