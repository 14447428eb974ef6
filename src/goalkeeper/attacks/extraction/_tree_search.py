"""Find the thresholds of a decision tree: between rows of one leaf of the copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks.extraction._tree_copy import ColumnFrame, Steps, TreeSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints

DECIMALS = 12  # of scores that distinguish answers
PAIRS_A_LEAF = 2  # rows of a leaf of the copy that are followed up in one round
NEIGHBOURS = 50  # rows of a leaf that are compared to find a near one
# Rows within so many tolerances of a threshold may lie on either side of the true one.
UNSURE = 0.75
LINE = 48  # rows of one straight way between two rows


class BudgetExhausted(Exception):
    """The next questions are not covered; what was found so far stands."""


class TreeSearch:
    """Rows asked, their different answers, and the thresholds found between them.

    Two rows in one leaf of the copy with unlike answers prove that a threshold is missing. On a
    way from one to the other, one column after another is changed; halving finds the column, and
    halving along it the threshold. So leaves with equal answers hide nothing: what is behind
    them is found where any two rows disagree.

    Parameters
    ----------
    access
        Where the questions go; a single campaign.
    frame
        The columns.
    tolerance
        How exactly a threshold is located, as a share of its column's range.
    """

    def __init__(self, access: Access, frame: ColumnFrame, tolerance: float) -> None:
        self._access, self.frame, self._tolerance = access, frame, tolerance
        self._numbers = set(frame.numbers)
        # How near a threshold is to where it is noted; whole numbers lie half a step beside one.
        self.widths = np.where(frame.domain.discrete, 0.5, tolerance * (frame.high - frame.low))
        self._ids: dict[bytes, int] = {}
        self.labels: list[int] = []  # of each id
        self.rows = np.zeros((0, len(frame.low)))
        self.ids = np.zeros(0, dtype=np.int64)
        self.edges: list[list[float]] = [[] for _ in frame.low]

    @property
    def left(self) -> int:
        """Queries left."""
        return int(min(self._access.left()[0], 2**31))

    @property
    def answers(self) -> Ints:
        """The labels of all rows asked, `(n,)`."""
        return np.array(self.labels, dtype=np.int64)[self.ids]

    @property
    def thresholds(self) -> int:
        """How many thresholds are known."""
        return sum(map(len, self.edges))

    def ask(self, rows: Floats) -> Ints:
        """Ask about rows `(n, d)`; return which answer each one gets, `(n,)`.

        Raises
        ------
        BudgetExhausted
            The budget does not cover them.
        """
        if len(rows) > self.left:
            raise BudgetExhausted
        if not len(rows):
            return np.zeros(0, dtype=np.int64)
        answers = self._access.query(rows)
        keys = np.round(answers.scores, DECIMALS) + 0.0
        ids = np.zeros(len(rows), dtype=np.int64)
        for i, (key, label) in enumerate(zip(keys, answers.labels.tolist(), strict=True)):
            ids[i] = self._ids.setdefault(key.tobytes(), len(self.labels))
            if ids[i] == len(self.labels):
                self.labels.append(label)
        self.rows = np.concatenate([self.rows, rows])
        self.ids = np.concatenate([self.ids, ids])
        return ids

    # ---- is it a tree ---------------------------------------------------------------------------

    def is_stepped(self, rows: Floats, ids: Ints) -> bool:
        """Return whether answers stay the same over tiny steps, as those of a tree do."""
        free = [j for j in self.frame.numbers if not self.frame.domain.discrete[j]]
        if not free:
            return True
        moved = rows.copy()
        # Far below any threshold's distance, far above the rounding error of a double.
        tiny = 1e-7 * (self.frame.high - self.frame.low)[free]
        middle = (self.frame.high + self.frame.low)[free] / 2
        moved[:, free] += np.where(moved[:, free] > middle, -tiny, tiny)
        return bool((self.ask(moved) == ids).mean() > 0.5)

    def count_changes(self, one: Floats, two: Floats) -> int:
        """Count how often answers change on a straight way of `LINE` rows between two rows.

        Those of one tree change where the way crosses one of its few leaves; those of an
        ensemble, or of a smooth model on whole numbers, change all the time.
        """
        part = np.linspace(0, 1, LINE)[:, None]
        ids = self.ask(self.frame.domain.project(one + part * (two - one)))
        return int((ids[1:] != ids[:-1]).sum())

    # ---- the copy -------------------------------------------------------------------------------

    def steps(self) -> Steps:
        """Return the thresholds known so far."""
        return Steps(self.frame, tuple(np.sort(np.array(edges)) for edges in self.edges))

    def is_sure(self, rows: Floats) -> Bools:
        """Tell which rows `(n, d)` lie beside no threshold so near that it may be the other side"""
        sure = np.ones(len(rows), dtype=bool)
        for j in self.frame.numbers:
            if self.edges[j] and not self.frame.domain.discrete[j]:
                line = np.sort(np.array(self.edges[j]))
                above = np.minimum(np.searchsorted(line, rows[:, j]), len(line) - 1)
                for edge in (line[above], line[np.maximum(above - 1, 0)]):
                    sure &= ~(np.abs(rows[:, j] - edge) < UNSURE * self.widths[j])
        return sure

    def build_substitute(self, verified: int = 0) -> TreeSubstitute | None:
        """Fit a tree to all answers, over the thresholds that are known; None without answers."""
        from sklearn.tree import DecisionTreeClassifier

        if not len(self.rows):
            return None
        steps = self.steps()
        tree = DecisionTreeClassifier(random_state=0).fit(steps.features(self.rows), self.ids)
        return TreeSubstitute(steps, tree, np.array(self.labels, dtype=np.int64), verified)

    def resolve(self, copy: TreeSubstitute, wrong: Ints) -> None:
        """Follow up rows `(w,)`, by their place in all asked, on which the copy errs."""
        one, two = self._pair(copy, wrong)
        self._halve(*self._find_columns(one, two))

    def _pair(self, copy: TreeSubstitute, wrong: Ints) -> tuple[Ints, Ints]:
        """Pair rows of one leaf of the copy that get unlike answers, the nearest of several."""
        places = copy.places(self.rows)
        room = np.where(self.frame.high > self.frame.low, self.frame.high - self.frame.low, 1.0)
        pairs: list[tuple[int, int]] = []
        for place in np.unique(places[wrong]).tolist():
            here = np.flatnonzero(places == place)
            for i in wrong[places[wrong] == place][:PAIRS_A_LEAF].tolist():
                others = here[self.ids[here] != self.ids[i]][-NEIGHBOURS:]
                if len(others):
                    gap = np.nan_to_num(np.abs(self.rows[others] - self.rows[i]) / room, nan=1.0)
                    pairs.append((i, int(others[(gap > 0).sum(axis=1).argmin()])))
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _find_columns(self, one: Ints, two: Ints) -> tuple[Ints, Floats, Floats]:
        """Halve the list of columns that differ until one column changes the answer.

        Returns the block of columns `(p,)` and the two rows that differ in it only, `(p, d)`.
        """
        a, b = self.rows[one], self.rows[two]
        ida = self.ids[one]
        order = [self._differing(x, y) for x, y in zip(a, b, strict=True)]
        low, high = np.zeros(len(a), dtype=np.int64), np.array([len(o) for o in order], np.int64)
        while (open_ := np.flatnonzero(high - low > 1)).size:
            middle = (low + high) // 2
            rows = np.stack([self._mix(a[p], b[p], order[p][: middle[p]]) for p in open_])
            same = self.ask(rows) == ida[open_]
            low[open_[same]], high[open_[~same]] = middle[open_[same]], middle[open_[~same]]
        kept = [p for p in range(len(a)) if high[p] == low[p] + 1]
        near = [self._mix(a[p], b[p], order[p][: low[p]]) for p in kept]
        far = [self._mix(a[p], b[p], order[p][: high[p]]) for p in kept]
        width = len(self.frame.low)
        return (
            np.array([order[p][low[p]] for p in kept], dtype=np.int64),
            np.array(near).reshape(-1, width),
            np.array(far).reshape(-1, width),
        )

    def _differing(self, one: Floats, two: Floats) -> Ints:
        """List the blocks in which two rows differ, in random order."""
        unlike = (one != two) & ~(np.isnan(one) & np.isnan(two))
        blocks = [k for k, block in enumerate(self.frame.blocks) if unlike[list(block)].any()]
        return self._access.rng.permutation(np.array(blocks, dtype=np.int64))

    def _mix(self, one: Floats, two: Floats, blocks: Ints) -> Floats:
        """Return row `one` with the values of `two` in some blocks."""
        row = one.copy()
        for k in blocks.tolist():
            columns = list(self.frame.blocks[k])
            row[columns] = two[columns]
        return row

    def _halve(self, blocks: Ints, one: Floats, two: Floats) -> None:
        """Halve the way along one column each, all side by side; note the thresholds."""
        columns = np.array([self.frame.blocks[k][0] for k in blocks.tolist()], dtype=np.int64)
        who = np.arange(len(columns))
        numeric = np.array([j in self._numbers for j in columns.tolist()], dtype=bool)
        numeric &= ~np.isnan(one[who, columns]) & ~np.isnan(two[who, columns])
        way = _Ways(columns, one, one[who, columns], two[who, columns]).take(numeric)
        ids = self._known(way.rows, way.a)
        whole = self.frame.domain.discrete
        room = self.frame.high - self.frame.low
        while len(way.columns):
            short = np.where(whole[way.columns], 1.0 + 1e-9, self._tolerance * room[way.columns])
            ready = np.abs(way.b - way.a) <= short
            self.note(way.columns[ready], way.a[ready], way.b[ready])
            way, ids = way.take(~ready), ids[~ready]
            middle = (way.a + way.b) / 2
            middle = np.where(whole[way.columns], np.floor(middle), middle)
            same = self.ask(way.at(middle)) == ids
            way = _Ways(
                way.columns, way.rows, np.where(same, middle, way.a), np.where(same, way.b, middle)
            )

    def _known(self, rows: Floats, values: Floats) -> Ints:
        """Ask again which answer the near ends get, `(n,)`."""
        return self.ask(rows) if len(values) else np.zeros(0, dtype=np.int64)

    def note(self, columns: Ints, near: Floats, far: Floats) -> None:
        """Add a threshold between each two values, unless one that is known lies there."""
        for j, a, b in zip(columns.tolist(), near, far, strict=True):
            low, high = min(a, b), max(a, b)
            slack = 0.0 if self.frame.domain.discrete[j] else high - low
            if not any(low - slack <= edge <= high + slack for edge in self.edges[j]):
                self.edges[j].append(float(low + high) / 2)


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways `(s,)` along one column each: a row, and the values `a` and `b` of that column."""

    columns: Ints
    rows: Floats
    a: Floats
    b: Floats

    def take(self, kept: Bools) -> _Ways:
        return _Ways(self.columns[kept], self.rows[kept], self.a[kept], self.b[kept])

    def at(self, values: Floats) -> Floats:
        """Return the rows `(s, d)` with these values in their columns."""
        rows = self.rows.copy()
        rows[np.arange(len(rows)), self.columns] = values
        return rows
