"""Rows of one leaf of a copy with unlike answers, and the threshold between them."""

from __future__ import annotations

import numpy as np

from goalkeeper.attacks.extraction._tree_copy import TreeSubstitute
from goalkeeper.attacks.extraction._tree_search import TreeSearch
from goalkeeper.attacks.extraction._tree_walks import Sides, halve_sides
from goalkeeper.core.data import Floats, Ints

PAIRS_A_LEAF = 2  # rows of a leaf of the copy that are followed up in one round
NEIGHBOURS = 50  # rows of a leaf that are compared to find a near one


class Pairs:
    """Two rows in one leaf of the copy with unlike answers prove that a threshold is missing there.

    On a way from one to the other, one column after another is changed; halving finds the column,
    and halving along it the threshold. So leaves with equal answers hide nothing: what is behind
    them is found where any two rows disagree.

    Parameters
    ----------
    search
        The rows asked, their answers, and the thresholds.
    """

    def __init__(self, search: TreeSearch) -> None:
        self._search = search

    def resolve(self, copy: TreeSubstitute, wrong: Ints) -> None:
        """Follow up rows `(w,)`, by their place in all asked, on which the copy errs."""
        one, two = self._pair(copy, wrong)
        self._halve(*self._find_columns(one, two))

    def _pair(self, copy: TreeSubstitute, wrong: Ints) -> tuple[Ints, Ints]:
        """Pair rows of one leaf of the copy that get unlike answers, the nearest of several."""
        places = self._search.places(copy)
        room = np.where(
            self._search.frame.high > self._search.frame.low,
            self._search.frame.high - self._search.frame.low,
            1.0,
        )
        pairs: list[tuple[int, int]] = []
        for place in np.unique(places[wrong]).tolist():
            here = np.flatnonzero(places == place)
            for i in wrong[places[wrong] == place][:PAIRS_A_LEAF].tolist():
                others = here[self._search.ids[here] != self._search.ids[i]][-NEIGHBOURS:]
                if len(others):
                    gap = np.nan_to_num(
                        np.abs(self._search.rows[others] - self._search.rows[i]) / room, nan=1.0
                    )
                    pairs.append((i, int(others[(gap > 0).sum(axis=1).argmin()])))
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _find_columns(self, one: Ints, two: Ints) -> tuple[Ints, Floats, Floats]:
        """Halve the list of columns that differ until one column changes the answer.

        Returns the block of columns `(p,)` and the two rows that differ in it only, `(p, d)`.
        """
        a, b = self._search.rows[one], self._search.rows[two]
        ida = self._search.ids[one]
        order = [self._differing(x, y) for x, y in zip(a, b, strict=True)]
        low, high = np.zeros(len(a), dtype=np.int64), np.array([len(o) for o in order], np.int64)
        while (open_ := np.flatnonzero(high - low > 1)).size:
            middle = (low + high) // 2
            rows = np.stack([self._mix(a[p], b[p], order[p][: middle[p]]) for p in open_])
            same = self._search.ask(rows) == ida[open_]
            low[open_[same]], high[open_[~same]] = middle[open_[same]], middle[open_[~same]]
        kept = [p for p in range(len(a)) if high[p] == low[p] + 1]
        near = [self._mix(a[p], b[p], order[p][: low[p]]) for p in kept]
        far = [self._mix(a[p], b[p], order[p][: high[p]]) for p in kept]
        width = len(self._search.frame.low)
        return (
            np.array([order[p][low[p]] for p in kept], dtype=np.int64),
            np.array(near).reshape(-1, width),
            np.array(far).reshape(-1, width),
        )

    def _differing(self, one: Floats, two: Floats) -> Ints:
        """List the blocks in which two rows differ, in random order."""
        unlike = (one != two) & ~(np.isnan(one) & np.isnan(two))
        blocks = [
            k for k, block in enumerate(self._search.frame.blocks) if unlike[list(block)].any()
        ]
        return self._search.rng.permutation(np.array(blocks, dtype=np.int64))

    def _mix(self, one: Floats, two: Floats, blocks: Ints) -> Floats:
        """Return row `one` with the values of `two` in some blocks."""
        row = one.copy()
        for k in blocks.tolist():
            columns = list(self._search.frame.blocks[k])
            row[columns] = two[columns]
        return row

    def _halve(self, blocks: Ints, one: Floats, two: Floats) -> None:
        """Halve the way along one column each, all side by side; note the thresholds."""
        search = self._search
        columns = np.array([search.frame.blocks[k][0] for k in blocks.tolist()], dtype=np.int64)
        who = np.arange(len(columns))
        a, b = one[who, columns], two[who, columns]
        kept = np.isin(columns, search.frame.numbers) & ~np.isnan(a) & ~np.isnan(b)
        bases = len(search.rows) + np.arange(int(kept.sum()))
        search.ask(one[kept])  # most were asked before, but where is not known
        halve_sides(search, Sides(bases, bases, columns[kept], a[kept], b[kept], bases))
