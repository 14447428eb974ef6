"""Find the leaves of a decision tree: from every known leaf, look along each column for others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from goalkeeper.attacks.extraction._boxes import BoxSubstitute, ColumnFrame
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints

DECIMALS = 12  # of scores that tell leaves apart
MOST_POINTS = 64  # leaves looked around side by side


class BudgetExhausted(Exception):
    """The next questions are not covered; what was found so far stands."""


@dataclass(eq=False)
class Leaf:
    """What the paths from one point said of the leaf around it."""

    point: Floats
    id: int
    low: Floats
    high: Floats
    allowed: dict[int, Bools] = field(default_factory=dict)


class LeafSearch:
    """Leaves found so far, and the questions that find more.

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
        self._ids: dict[bytes, int] = {}
        self.labels: list[int] = []  # of each id
        self.leaves: list[Leaf] = []
        self._of: dict[int, list[Leaf]] = {}  # leaves by id
        self.rows = np.zeros((0, len(frame.low)))
        self.answers = np.zeros(0, dtype=np.int64)

    @property
    def left(self) -> int:
        """Queries left."""
        return int(min(self._access.left()[0], 2**31))

    def ask(self, rows: Floats) -> Ints:
        """Ask about rows `(n, d)`; return the id of each one's leaf, `(n,)`."""
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
        self.answers = np.concatenate([self.answers, answers.labels])
        return ids

    def is_stepped(self, rows: Floats, ids: Ints) -> bool:
        """Return whether answers stay the same over tiny steps, as those of a tree do."""
        columns = self.frame.numbers
        free = [j for j in columns if not self.frame.domain.discrete[j]]
        if not free:
            return True
        moved = rows.copy()
        # Far below any threshold's distance, far above the rounding error of a double.
        tiny = 1e-7 * (self.frame.high - self.frame.low)[free]
        middle = (self.frame.high + self.frame.low)[free] / 2
        moved[:, free] += np.where(moved[:, free] > middle, -tiny, tiny)
        return bool((self.ask(moved) == ids).mean() > 0.5)

    def build_boxes(self) -> BoxSubstitute | None:
        """Return the copy as far as it is known."""
        if not self.leaves:
            return None
        low = np.stack([leaf.low for leaf in self.leaves])
        high = np.stack([leaf.high for leaf in self.leaves])
        allowed = tuple(
            (j, np.stack([leaf.allowed[j] for leaf in self.leaves])) for j, _ in self.frame.coded
        )
        inside = np.minimum(high, self.frame.high) - np.maximum(low, self.frame.low)
        room = np.where(self.frame.high > self.frame.low, self.frame.high - self.frame.low, 1.0)
        size = np.log(np.clip(inside / room, 1e-12, 1.0)).sum(axis=1)
        for _, levels in allowed:
            size = size + np.log(levels.mean(axis=1))
        labels = np.array([self.labels[leaf.id] for leaf in self.leaves])
        return BoxSubstitute(low=low, high=high, labels=labels, allowed=allowed, size=size)

    def explore(self, starts: Floats) -> None:
        """Look around every start, then around what lies behind each threshold found.

        A point whose leaf is known already, by its id and by lying in its box, is passed over.

        Raises
        ------
        BudgetGone
            Some leaves were not looked around; those that were are kept.
        """
        pending = list(zip(starts, self.ask(starts).tolist(), strict=True))
        while pending:
            unexplored: list[tuple[Floats, int]] = []
            while pending and len(unexplored) < MOST_POINTS:
                point, leaf_id = pending.pop()
                fresh = all(leaf_id != other for _, other in unexplored)
                if fresh and not self._is_known(point, leaf_id):
                    unexplored.append((point, leaf_id))
            if unexplored:
                pending += self._explore_around(unexplored)

    def _is_known(self, point: Floats, leaf_id: int) -> bool:
        return any(
            bool(((leaf.low < point) & (point <= leaf.high)).all())
            and all(levels[int(point[j])] for j, levels in leaf.allowed.items())
            for leaf in self._of.get(leaf_id, ())
        )

    def _explore_around(self, unexplored: list[tuple[Floats, int]]) -> list[tuple[Floats, int]]:
        """Find the boxes around points, and points beyond each of their sides."""
        width = len(self.frame.low)
        leaves = [
            Leaf(point, leaf_id, np.full(width, -np.inf), np.full(width, np.inf))
            for point, leaf_id in unexplored
        ]
        found = self._follow_numbers(leaves)
        found += self._follow_levels(leaves)
        found += self._follow_groups(leaves)
        self.leaves += leaves
        for leaf in leaves:
            self._of.setdefault(leaf.id, []).append(leaf)
        return found

    def _follow_numbers(self, leaves: list[Leaf]) -> list[tuple[Floats, int]]:
        """Halve the way from each point to both ends of every column, all ways side by side."""
        points = np.stack([leaf.point for leaf in leaves])
        leaf_ids = np.array([leaf.id for leaf in leaves])
        ways = [
            (i, j, end)
            for i in range(len(leaves))
            for j in self.frame.numbers
            for end in (self.frame.low[j], self.frame.high[j])
            if points[i, j] != end
        ]
        if not ways:
            return []
        who, column = np.array([w[:2] for w in ways]).T
        far = np.array([w[2] for w in ways], dtype=np.float64)
        ids = self.ask(_replace_values(points[who], column, far))
        changed = ids != leaf_ids[who]
        segments = _Segments(who, column, points[who, column], far, leaf_ids[who], ids).take(
            changed
        )
        beyond: list[tuple[Floats, int]] = []
        while len(segments.who):
            segments = self._halve(segments, points, leaves, beyond)
        return beyond

    def _halve(
        self,
        at: _Segments,
        points: Floats,
        leaves: list[Leaf],
        beyond: list[tuple[Floats, int]],
    ) -> _Segments:
        """Halve every segment once; note the thresholds of those that are short enough."""
        whole = self.frame.domain.discrete[at.column]
        room = (self.frame.high - self.frame.low)[at.column]
        short = np.where(whole, 1.0 + 1e-9, self._tolerance * room)
        ready = np.abs(at.b - at.a) <= short
        for s in np.flatnonzero(ready):
            self._note_threshold(at, int(s), points, leaves, beyond)
        at = at.take(~ready)
        if not len(at.who):
            return at
        middle = (at.a + at.b) / 2
        middle = np.where(self.frame.domain.discrete[at.column], np.floor(middle), middle)
        ids = self.ask(_replace_values(points[at.who], at.column, middle))
        like_a, like_b = ids == at.ida, ids == at.idb
        nearer = _Segments(at.who, at.column, at.a, middle, at.ida, ids).take(~like_a)
        farther = _Segments(at.who, at.column, middle, at.b, ids, at.idb).take(~like_b)
        return nearer.joined(farther)

    def _note_threshold(
        self,
        at: _Segments,
        s: int,
        points: Floats,
        leaves: list[Leaf],
        beyond: list[tuple[Floats, int]],
    ) -> None:
        leaf, j = leaves[at.who[s]], int(at.column[s])
        threshold = (at.a[s] + at.b[s]) / 2
        if at.b[s] > at.a[s]:
            leaf.high[j] = min(leaf.high[j], threshold)
        else:
            leaf.low[j] = max(leaf.low[j], threshold)
        point = points[at.who[s]].copy()
        point[j] = at.b[s]
        beyond.append((point, int(at.idb[s])))

    def _follow_levels(self, leaves: list[Leaf]) -> list[tuple[Floats, int]]:
        """Ask about every other level of coded columns."""
        found: list[tuple[Floats, int]] = []
        for j, levels in self.frame.coded:
            rows = np.repeat(np.stack([leaf.point for leaf in leaves]), levels, axis=0)
            rows[:, j] = np.tile(np.arange(levels), len(leaves))
            ids = self.ask(rows)
            for i, leaf in enumerate(leaves):
                rows_of_leaf = slice(i * levels, (i + 1) * levels)
                same = ids[rows_of_leaf] == leaf.id
                leaf.allowed[j] = same
                found += [
                    (row, int(leaf_id))
                    for row, leaf_id in zip(rows[rows_of_leaf], ids[rows_of_leaf], strict=True)
                    if leaf_id != leaf.id
                ]
        return found

    def _follow_groups(self, leaves: list[Leaf]) -> list[tuple[Floats, int]]:
        """Ask about every other column of a one-hot group; a side is bounded where it changes."""
        found: list[tuple[Floats, int]] = []
        for group in self.frame.groups:
            block = list(group)
            rows = np.repeat(np.stack([leaf.point for leaf in leaves]), len(block), axis=0)
            rows[:, block] = np.tile(np.eye(len(block)), (len(leaves), 1))
            ids = self.ask(rows)
            for i, leaf in enumerate(leaves):
                rows_of_leaf = slice(i * len(block), (i + 1) * len(block))
                other = ids[rows_of_leaf] != leaf.id
                for j, differs in zip(block, other, strict=True):
                    if differs and not leaf.point[j]:
                        leaf.high[j] = 0.5
                found += [
                    (row, int(leaf_id))
                    for row, leaf_id in zip(
                        rows[rows_of_leaf][other], ids[rows_of_leaf][other], strict=True
                    )
                ]
        return found


@dataclass(frozen=True, eq=False)
class _Segments:
    """Ways `(s,)` along one column from `a` (id `ida`) to `b` (id `idb`), which differ."""

    who: Ints
    column: Ints
    a: Floats
    b: Floats
    ida: Ints
    idb: Ints

    def take(self, rows: Bools) -> _Segments:
        return _Segments(
            self.who[rows], self.column[rows], self.a[rows], self.b[rows],
            self.ida[rows], self.idb[rows],
        )  # fmt: skip

    def joined(self, other: _Segments) -> _Segments:
        names = ("who", "column", "a", "b", "ida", "idb")
        return _Segments(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names)
        )


def _replace_values(rows: Floats, columns: Ints, values: Floats) -> Floats:
    rows = rows.copy()
    rows[np.arange(len(rows)), columns] = values
    return rows
