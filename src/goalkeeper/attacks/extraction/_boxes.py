"""A copy of a decision tree: boxes of the input space, each with its answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.domain import TableDomain

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

    def holds(self, x: Floats) -> Bools:
        """Return which rows `(n, d)` lie in any box, `(n,)`."""
        step = max(1, AT_ONCE // max(1, self.low.size))
        parts = [
            self._count_violations(x[i : i + step]).min(axis=1) == 0 for i in range(0, len(x), step)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)

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


@dataclass(frozen=True, eq=False)
class ColumnFrame:
    """The columns of a table, as a path through a tree sees them.

    Numbers lie in finite bounds `low`, `high` `(d,)`; where the domain has none, wide ones are
    taken. `coded` are category columns with their number of levels; a column of a one-hot group
    counts as a number between 0 and 1, so that a tree's threshold on it is found as well.
    """

    domain: TableDomain
    low: Floats
    high: Floats
    coded: tuple[tuple[int, int], ...]
    groups: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(domain: TableDomain, wide: float) -> ColumnFrame:
        """Read the columns of a domain."""
        low, high = domain.bounds()
        coded = [(j, len(c.categories)) for j, c in enumerate(domain.columns) if c.categories]
        return ColumnFrame(
            domain=domain,
            low=np.where(np.isfinite(low), low, np.minimum(-wide, np.nan_to_num(high, posinf=0))),
            high=np.where(np.isfinite(high), high, np.maximum(wide, np.nan_to_num(low, neginf=0))),
            coded=tuple(coded),
            groups=tuple(tuple(group) for group in domain.one_hot),
        )

    @property
    def numbers(self) -> list[int]:
        """Columns along which a path is halved: numbers and integers that can vary."""
        grouped = {j for group in self.groups for j in group}
        fixed = grouped | {j for j, _ in self.coded}
        room = self.high > self.low
        return [j for j in range(len(self.low)) if room[j] and j not in fixed]
