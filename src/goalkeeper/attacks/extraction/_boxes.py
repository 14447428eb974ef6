"""A copy of a decision tree: boxes of the input space, each with its answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs, Ints

AT_ONCE = 2_000_000  # comparisons held in memory


@dataclass(frozen=True, eq=False)
class BoxSubstitute:
    """The class of the smallest box that holds an input; of the nearest where none does.

    Parameters
    ----------
    low, high
        Bounds `(m, d)`: a row lies inside where low < x <= high in every column.
    labels
        Class of each box, `(m,)`.
    allowed
        For each column that is coded, which levels each box takes, `(m, levels)`.
    size
        Volume of each box `(m,)`, as the logarithm of its share of the input space.
    """

    low: Floats
    high: Floats
    labels: Ints
    allowed: tuple[tuple[int, Bools], ...]
    size: Floats

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of rows `(n, d)`."""
        rows = np.asarray(x, dtype=np.float64)
        step = max(1, AT_ONCE // max(1, self.low.size))
        parts = [self._find_box(rows[i : i + step]) for i in range(0, len(rows), step)]
        return self.labels[np.concatenate(parts)] if parts else self.labels[:0]

    def _find_box(self, rows: Floats) -> Ints:
        """Find for each row the smallest of the boxes that it violates in the fewest columns."""
        outside = self._count_violations(rows)
        best = outside == outside.min(axis=1, keepdims=True)
        return np.asarray(np.where(best, self.size, np.inf).argmin(axis=1))

    def _count_violations(self, rows: Floats) -> Ints:
        """Count the columns in which a row violates a box, `(n, m)`."""
        beyond = (rows[:, None] <= self.low) | (rows[:, None] > self.high)
        found = np.asarray(beyond.sum(axis=2))
        for column, levels in self.allowed:
            found = found + ~levels[:, rows[:, column].astype(np.int64)].T
        return found
