"""Copies of a tree, by boxes and by impurity, and what to follow up where they err."""

from __future__ import annotations

import numpy as np

from goalkeeper.attacks.extraction._tree_boxes import Boxes, walk
from goalkeeper.attacks.extraction._tree_build import grow
from goalkeeper.attacks.extraction._tree_copy import TreeSubstitute
from goalkeeper.attacks.extraction._tree_pairs import Pairs
from goalkeeper.attacks.extraction._tree_search import TreeSearch
from goalkeeper.core.data import Floats, Ints

# Boxes, and the share of false ones above which none is added. Labels of full-grown trees make 75
# to 100 % false, scores of regression trees less than 20 %.
TRIED, MOST_FALSE = 20, 0.5
WALKS = 64  # rows from which columns are walked in one round, at most ...
WALK_SHARE, WALK_COST = 0.25, 1.5  # ... and for this share of what is left, at so many a column end
# Where a copy by impurity errs so many times as often as that by boxes, it is built only every
# few rounds.
BEHIND, SELDOM = 2.0, 4
MEMORY = 0.5  # weight of errors of earlier rounds


class Rounds:
    """Builds copies, checks them, and follows up errors, round after round.

    Parameters
    ----------
    search
        The rows asked, their answers, and the thresholds.
    """

    def __init__(self, search: TreeSearch) -> None:
        self.search, self.boxes, self._pairs = search, Boxes(search), Pairs(search)
        self.copies: list[TreeSubstitute] = []  # by impurity; by boxes where there are any
        self._built = 0
        self._errors = np.zeros(2)
        self._seen = 0  # rows of the last round

    @property
    def exact(self) -> bool:
        """Whether boxes are mostly leaves, or a copy by them errs clearly less in any case."""
        few = len(self.boxes) < TRIED or bool(self.boxes.false.mean() <= MOST_FALSE)
        return few or bool(BEHIND * self._errors[1] <= self._errors[0])

    def build(self) -> TreeSubstitute | None:
        """Build copies by impurity and by boxes; return the one that erred less on new rows."""
        if not len(self.search.rows):
            return None
        self._built += 1
        behind = self._errors[0] > BEHIND * self._errors[1] and self._built % SELDOM
        if not (behind and self.exact and len(self.copies) > 1):
            self.copies[:1] = [self.search.build_substitute()]
        if len(self.boxes) and (self.exact or not self.boxes.false.all()):
            self.copies[1:] = [self._build_by_boxes()]
        else:
            self.copies[1:] = []
        return self.copies[-1 if self._errors[1] <= self._errors[0] else 0]

    def _build_by_boxes(self) -> TreeSubstitute:
        """Build a copy by the boxes that no answer contradicts."""
        search = self.search
        steps = search.steps()
        sure = search.is_sure(search.rows)
        sure |= not sure.any()
        features = search.features(steps)[sure].astype(np.int64)
        ids = search.ids[sure]
        fresh = int(sure[self._seen :].sum())
        self._seen = len(sure)
        self.boxes.compare(steps, features, ids, fresh)
        low, high = self.boxes.intervals(steps)
        sound = ~self.boxes.false
        tree = grow(features, ids, low[sound], high[sound])
        return TreeSubstitute(steps, tree, np.array(search.labels, dtype=np.int64))

    def judge(self, rows: Floats, ids: Ints) -> None:
        """Note how the copies err on rows that they have not seen."""
        errors = np.array([(copy.ids(rows) != ids).mean() for copy in self.copies])
        self._errors[: len(errors)] = MEMORY * self._errors[: len(errors)] + errors

    def follow(self, copy: TreeSubstitute | None, wrong: Ints) -> None:
        """Follow up rows, by their place in all asked, on which the copy errs.

        A threshold is looked for between each and a row of its leaf; boxes are added where none
        of the same answer is.
        """
        search, starts = self.search, wrong[:0]
        if copy is not None and len(wrong):
            self._pairs.resolve(copy, wrong)
            steps = search.steps()
            features = steps.features(search.rows[wrong]).astype(np.int64)
            starts = wrong[~self.boxes.find_own(steps, features, search.ids[wrong])]
            where = np.stack([copy.places(search.rows[starts]), search.ids[starts]], axis=1)
            starts = starts[np.unique(where, axis=0, return_index=True)[1]]
        if self.exact:
            walk(search, self.boxes, self._choose(starts))

    def _choose(self, starts: Ints) -> Ints:
        """Choose where to walk: a row of each answer without a box, then where the copy errs."""
        search = self.search
        free = np.flatnonzero(~np.isin(search.ids, self.boxes.ids))
        free = free[search.is_sure(search.rows[free])]
        _, first = np.unique(search.ids[free], return_index=True)
        starts = starts[search.is_sure(search.rows[starts])]
        starts = starts[np.isin(search.ids[starts], self.boxes.ids)]
        each = WALK_COST * (2 * len(search.frame.numbers) + 1)
        most = int(min(WALKS, max(1, WALK_SHARE * search.left / each)))
        return np.concatenate([free[first], starts])[:most]
