"""The columns of a table as a tree sees them, and a copy of a tree: thresholds, and who splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.domain import TableDomain


@dataclass(frozen=True, eq=False)
class ColumnFrame:
    """The columns of a table, as a path through a tree sees them.

    Numbers lie in finite bounds `low`, `high` `(d,)`; where the domain has none, wide ones are
    taken. `coded` are category columns with their number of levels. `blocks` are the columns that
    change together: a column by itself, or a one-hot group.
    """

    domain: TableDomain
    low: Floats
    high: Floats
    coded: tuple[tuple[int, int], ...]
    blocks: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(domain: TableDomain, wide: float) -> ColumnFrame:
        """Read the columns of a domain."""
        low, high = domain.bounds()
        low = np.where(np.isfinite(low), low, np.minimum(-wide, np.nan_to_num(high, posinf=0)))
        high = np.where(np.isfinite(high), high, np.maximum(wide, np.nan_to_num(low, neginf=0)))
        grouped = {j for group in domain.one_hot for j in group}
        alone = [(j,) for j in range(len(low)) if j not in grouped and high[j] > low[j]]
        coded = [(j, len(c.categories)) for j, c in enumerate(domain.columns) if c.categories]
        groups = [tuple(group) for group in domain.one_hot]
        return ColumnFrame(domain, low, high, tuple(coded), (*alone, *groups))

    @property
    def numbers(self) -> list[int]:
        """Columns along which a path can be halved: numbers, dates and integers that vary."""
        coded = {j for j, _ in self.coded}
        return [block[0] for block in self.blocks if len(block) == 1 and block[0] not in coded]

    @property
    def grouped(self) -> list[int]:
        """Columns of one-hot groups."""
        return [j for block in self.blocks if len(block) > 1 for j in block]


@dataclass(frozen=True, eq=False)
class Steps:
    """The thresholds known of each column, `(d,)` sorted arrays; they turn rows into features.

    A number becomes how many thresholds lie below it, which is exact for a tree that splits
    there, and whether it is missing; a code becomes itself and one feature a level.
    """

    frame: ColumnFrame
    edges: tuple[Floats, ...]

    def features(self, rows: Floats, missing: Bools | None = None) -> Floats:
        """Turn rows `(n, d)` into features `(n, m)` of small whole numbers.

        `missing` `(n, d)`: which cells count as missing, in place of those that are.
        """
        frame = self.frame
        missing = np.isnan(rows) if missing is None else missing
        parts: list[Any] = [np.zeros(len(rows))]
        gaps = frame.domain.missing
        for j in frame.numbers:
            if len(self.edges[j]):
                parts.append(np.searchsorted(self.edges[j], rows[:, j], side="left"))
            if gaps[j]:
                parts.append(missing[:, j])
        for j, levels in frame.coded:
            code = np.where(np.isnan(rows[:, j]), -1, rows[:, j])
            parts += [code, *(code == level for level in range(levels))]
        parts += [rows[:, j] for j in frame.grouped]
        return np.stack(parts, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class TreeSubstitute:
    """A copy of a decision tree over the thresholds that were found.

    Parameters
    ----------
    steps
        The thresholds.
    tree
        A fitted tree over their features; its classes are ids of answers.
    labels
        Class of each id, `(ids,)`.
    verified
        Answers in a row that agreed with the copy when the search ended.
    """

    steps: Steps
    tree: Any
    labels: Ints
    verified: int = 0

    @property
    def leaves(self) -> int:
        """Number of leaves of the copy."""
        return int(self.tree.get_n_leaves())

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of rows `(n, d)`."""
        return np.asarray(self.labels[self.ids(np.asarray(x, dtype=np.float64))])

    def ids(self, rows: Floats) -> Ints:
        """Return which answer each row `(n, d)` gets, `(n,)`."""
        if not len(rows):
            return np.zeros(0, dtype=np.int64)
        return np.asarray(self.tree.predict(self.steps.features(rows)), dtype=np.int64)

    def places(self, rows: Floats) -> Ints:
        """Return in which leaf of the copy each row `(n, d)` lies, `(n,)`."""
        if not len(rows):
            return np.zeros(0, dtype=np.int64)
        return np.asarray(self.tree.apply(self.steps.features(rows)), dtype=np.int64)
