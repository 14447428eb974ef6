"""Valid rows of a table that differ in one thing each, for attacks of several families."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain


@dataclass(frozen=True, eq=False)
class RowDesign:
    """Valid rows that differ from a base row in one thing each: one row an unknown.

    `levels` are the unknowns besides the bias, a (column, level) each: the number of a column
    (level NaN), or whether a coded column has this level. Columns that cannot vary are none.
    """

    domain: TableDomain
    levels: tuple[tuple[int, float], ...]

    @staticmethod
    def of(domain: TableDomain) -> RowDesign:
        """List the unknowns: one a number, one a further level of a category."""
        low, high = domain.bounds()
        levels: list[tuple[int, float]] = []
        for j, column in enumerate(domain.columns):
            if column.categories:
                levels += [(j, float(level)) for level in range(1, len(column.categories))]
            elif low[j] < high[j]:
                levels.append((j, np.nan))
        return RowDesign(domain, tuple(levels))

    @property
    def coded(self) -> bool:
        """Whether a column is coded, so that its number means nothing."""
        return any(not np.isnan(level) for _, level in self.levels)

    def centre(self) -> Floats:
        """Return a valid row in the middle, `(d,)`."""
        low, high = self.domain.bounds()
        middle = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        both = np.isfinite(low) & np.isfinite(high)
        span = np.where(both, high, 0.0) - np.where(both, low, 0.0)
        middle = middle + span / 2
        middle[[bool(c.categories) for c in self.domain.columns]] = 0.0
        return np.asarray(self.domain.project(middle[None])[0])

    def draw_anywhere(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw valid rows `(n, d)`; around the middle where a column has no bounds."""
        low, high = self.domain.bounds()
        centre = self.centre()
        wide = centre + rng.normal(size=(n, len(low))) * 10 ** rng.uniform(-1, 2, (n, 1))
        both = np.isfinite(low) & np.isfinite(high)
        start, span = np.where(both, low, 0.0), np.where(both, high - low, 0.0)
        inside = start + rng.random((n, len(low))) * span
        return self.domain.project(np.where(both, inside, wide))

    def draw_mixed(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw valid rows `(n, d)`: a third anywhere, a third in corners, a third all low to high.

        Real columns often rise together, so that rows drawn column by column meet one class only.
        """
        low, high = self.domain.bounds()
        rows = self.draw_anywhere(n, rng)
        both = np.isfinite(low) & np.isfinite(high)
        start, span = np.where(both, low, 0.0), np.where(both, high - low, 0.0)
        corner = (rng.random(rows.shape) < 0.5).astype(np.float64)
        level = np.clip(rng.random((n, 1)) + rng.normal(size=rows.shape) * 0.1, 0, 1)
        third = np.arange(n)[:, None] % 3
        part = np.where(third == 1, corner, level)
        chosen = np.where(both & (third > 0), start + part * span, rows)
        return np.asarray(self.domain.project(chosen))

    def change_each(self, base: Floats, shares: Floats) -> Floats:
        """Change one thing a row, numbers by a share `(unknowns,)` of their room."""
        low, high = self.domain.bounds()
        rows = np.repeat(base[None], len(self.levels), axis=0)
        groups = {j: group for group in self.domain.one_hot for j in group}
        for row, (j, level), part in zip(rows, self.levels, shares, strict=True):
            if j in groups:
                row[list(groups[j])] = 0.0
                row[j] = 1.0
            elif not np.isnan(level):
                row[j] = level
            else:
                up, down = high[j] - base[j], base[j] - low[j]
                room = up if up >= down else -down
                step = part * (room if np.isfinite(room) else np.sign(room) * 2.0)
                if self.domain.discrete[j]:
                    step = np.sign(step) * max(1.0, np.floor(abs(step)))
                row[j] += step
        return rows

    def features(self, rows: Floats) -> Floats:
        """Return the values of the unknowns' factors in rows `(n, d)`: `(n, unknowns)`."""
        return expand_levels(rows, self.levels)


def expand_levels(rows: Floats, levels: tuple[tuple[int, float], ...]) -> Floats:
    """Turn each (column, level) into a feature: whether the column has it, or its number (NaN)."""
    parts = [
        rows[:, column] if np.isnan(level) else (rows[:, column] == level).astype(np.float64)
        for column, level in levels
    ]
    return np.stack(parts, axis=1) if parts else np.zeros((len(rows), 0))
