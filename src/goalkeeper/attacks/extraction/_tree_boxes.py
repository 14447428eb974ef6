"""Boxes of equal answers around rows: the leaves of a tree, found along the columns."""

from __future__ import annotations

import numpy as np

from goalkeeper.attacks.extraction._tree_copy import Steps
from goalkeeper.attacks.extraction._tree_search import TreeSearch
from goalkeeper.attacks.extraction._tree_walks import CLOSE, Sides, halve_sides
from goalkeeper.core.data import Bools, Floats, Ints

NEWEST = 4000  # rows with which boxes are compared in one round, the newest
NO_ROWS: Ints = np.zeros(0, dtype=np.int64)


class Boxes:
    """Boxes, each a row and the farthest rows along its columns that get the same answer.

    Of a tree whose leaves give unlike answers, each box is exactly a leaf. Where neighbours give
    equal answers, a box may reach into others; it counts as false once a row inside it was seen to
    get another answer.

    Parameters
    ----------
    search
        The rows asked and their answers.
    """

    def __init__(self, search: TreeSearch) -> None:
        self._search = search
        self.bases = NO_ROWS  # row of each box
        self.false = np.zeros(0, dtype=bool)
        self._members, self._owners = NO_ROWS, NO_ROWS  # rows inside, and the box of each
        self._compared = 0  # boxes that were compared with earlier rows

    def __len__(self) -> int:
        return len(self.bases)

    @property
    def ids(self) -> Ints:
        """Answer of each box, `(k,)`."""
        return np.asarray(self._search.ids[self.bases])

    def add(self, bases: Ints, members: Ints, owners: Ints) -> None:
        """Add a box for each row of `bases`; `owners` counts these from 0 on."""
        self._members = np.concatenate([self._members, bases, members])
        self._owners = np.concatenate(
            [self._owners, len(self) + np.arange(len(bases)), len(self) + owners]
        )
        self.bases = np.concatenate([self.bases, bases])
        self.false = np.concatenate([self.false, np.zeros(len(bases), dtype=bool)])

    def intervals(self, steps: Steps) -> tuple[Ints, Ints]:
        """Return the least and greatest features `(k, m)` of each box."""
        search = self._search
        order = np.argsort(self._owners, kind="stable")
        members, owners = self._members[order], self._owners[order]
        rows, base = search.rows[members], search.rows[self.bases[owners]]
        # The last row before a threshold may lie a tolerance beyond where it was noted.
        way = rows - base
        inside = base + np.sign(way) * np.maximum(np.abs(way) - CLOSE * search.widths, 0.0)
        inside = np.where(search.frame.domain.discrete, rows, inside)
        inside = np.where(np.isnan(rows) & ~np.isnan(base), base, inside)
        inside = np.where(np.isnan(base), rows, inside)
        features = steps.features(inside, np.isnan(rows)).astype(np.int64)
        first = np.searchsorted(owners, np.arange(len(self)))
        return np.minimum.reduceat(features, first), np.maximum.reduceat(features, first)

    def compare(self, steps: Steps, features: Ints, ids: Ints, fresh: int) -> None:
        """Find boxes that are false: new ones by all rows given, old ones by the last `fresh`."""
        if not len(self):
            return
        low, high = self.intervals(steps)
        own = self.ids
        for at, part in ((slice(0, self._compared), fresh), (slice(self._compared, None), NEWEST)):
            some = slice(max(len(ids) - part, 0), None)
            inside = _contain(low[at], high[at], features[some])
            self.false[at] |= (inside & (own[at, None] != ids[some])).any(axis=1)
        self._compared = len(self)

    def find_own(self, steps: Steps, features: Ints, ids: Ints) -> Bools:
        """Return which rows lie in a box of their answer, `(n,)`, false or not."""
        if not len(self):
            return np.zeros(len(ids), dtype=bool)
        inside = _contain(*self.intervals(steps), features) & (self.ids[:, None] == ids)
        return np.asarray(inside.any(axis=0))


def _contain(low: Ints, high: Ints, features: Ints) -> Bools:
    """Tell which boxes contain which rows, `(k, n)`."""
    inside = np.ones((len(low), len(features)), dtype=bool)
    for f in range(features.shape[1]):
        column = features[:, f]
        inside &= (column >= low[:, [f]]) & (column <= high[:, [f]])
    return inside


def walk(search: TreeSearch, boxes: Boxes, bases: Ints) -> None:
    """Find the box of each row, by its place in all asked: all columns of all rows side by side.

    Along a column its end is asked first; if the answer there is another, halving among the known
    thresholds finds the first one beyond which it changes, or that it changes between two of
    them: then the new one is located to the tolerance.
    """
    if not len(bases):
        return
    rows, owners, columns = _list_ends(search, bases)
    before = len(search.rows)
    same = search.ask(rows) == search.ids[bases][owners]
    members, owned = [before + np.flatnonzero(same)], [owners[same]]
    number = (columns >= 0) & ~same
    number[number] = ~np.isnan(search.rows[bases[owners[number]], columns[number]])
    base = bases[owners[number]]
    sides = Sides(
        base,
        owners[number],
        columns[number],
        search.rows[base, columns[number]],
        rows[number, columns[number]],
        base.copy(),
    )
    for done in halve_sides(search, sides):
        members.append(done.last)
        owned.append(done.owners)
    boxes.add(bases, np.concatenate(members), np.concatenate(owned))


def _list_ends(search: TreeSearch, bases: Ints) -> tuple[Floats, Ints, Ints]:
    """List the rows at the ends of all columns, or with another level, or with a gap.

    Returns them `(e, d)`, whose end each one is `(e,)`, and the column if it holds numbers,
    or -1, `(e,)`.
    """
    frame, rows = search.frame, search.rows[bases]
    ends: list[Floats] = []
    columns: list[int] = []

    def change(block: tuple[int, ...], values: Floats | float, column: int = -1) -> None:
        moved = rows.copy()
        moved[:, list(block)] = values
        ends.append(moved)
        columns.append(column)

    for j in frame.numbers:
        change((j,), float(frame.low[j]), j)
        change((j,), float(frame.high[j]), j)
    for j, levels in frame.coded:
        for level in range(levels):
            change((j,), float(level))
    for block in frame.blocks:
        for hot in np.eye(len(block)) if len(block) > 1 else ():
            change(block, hot)
    for j in np.flatnonzero(frame.domain.missing).tolist():
        change((j,), np.nan)
    if not ends:
        return rows[:0], NO_ROWS, NO_ROWS
    every = np.concatenate(ends)
    owners = np.tile(np.arange(len(bases)), len(ends))
    whose = np.repeat(np.array(columns, dtype=np.int64), len(bases))
    own = rows[owners]
    moves = ((every != own) & ~(np.isnan(every) & np.isnan(own))).any(axis=1)
    return every[moves], owners[moves], whose[moves]
