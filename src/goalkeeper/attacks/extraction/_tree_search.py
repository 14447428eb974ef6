"""What a search for a decision tree knows: rows asked, their answers, and thresholds."""

from __future__ import annotations

import numpy as np

from goalkeeper.attacks.extraction._tree_copy import ColumnFrame, Steps, TreeSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints

DECIMALS = 12  # of scores that distinguish answers
# Rows within so many tolerances of a threshold may lie on either side of the true one.
UNSURE = 0.75
LINE = 48  # rows of one straight way between two rows


class BudgetExhausted(Exception):
    """The next questions are not covered; what was found so far stands."""


class TreeSearch:
    """Rows asked, their different answers, and the thresholds found between them.

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
        self._access, self.frame, self.rng = access, frame, access.rng
        # How near a threshold is to where it is noted; whole numbers lie half a step beside one.
        self.widths = np.where(frame.domain.discrete, 0.5, tolerance * (frame.high - frame.low))
        self._ids: dict[bytes, int] = {}
        self.labels: list[int] = []  # of each id
        self.rows = np.zeros((0, len(frame.low)))
        self.ids = np.zeros(0, dtype=np.int64)
        self.edges: list[list[float]] = [[] for _ in frame.low]
        self._steps = Steps(frame, tuple(np.zeros(0) for _ in frame.low))
        self._features = self._steps.features(self.rows)  # by these, of the first rows

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
        if sum(map(len, self._steps.edges)) != self.thresholds:
            edges = tuple(np.sort(np.array(edges)) for edges in self.edges)
            self._steps = Steps(self.frame, edges)
            self._features = self._steps.features(self.rows)
        return self._steps

    def features(self, steps: Steps) -> Floats:
        """Return the features `(n, m)` of all rows asked; those of earlier calls are kept."""
        if steps is not self._steps:
            return steps.features(self.rows)
        added = self.rows[len(self._features) :]
        if len(added):
            self._features = np.concatenate([self._features, steps.features(added)])
        return self._features

    def places(self, copy: TreeSubstitute) -> Ints:
        """Return in which leaf of a copy each row asked lies, `(n,)`."""
        return np.asarray(copy.tree.apply(self.features(copy.steps)), dtype=np.int64)

    def is_sure(self, rows: Floats) -> Bools:
        """Tell which rows `(n, d)` lie beside no threshold it may be on the other side of."""
        sure = np.ones(len(rows), dtype=bool)
        for j in self.frame.numbers:
            if self.edges[j] and not self.frame.domain.discrete[j]:
                line = np.sort(np.array(self.edges[j]))
                above = np.minimum(np.searchsorted(line, rows[:, j]), len(line) - 1)
                for edge in (line[above], line[np.maximum(above - 1, 0)]):
                    sure &= ~(np.abs(rows[:, j] - edge) < UNSURE * self.widths[j])
        return sure

    def build_substitute(self) -> TreeSubstitute:
        """Fit a tree to all answers, over the thresholds that are known."""
        from sklearn.tree import DecisionTreeClassifier

        steps = self.steps()
        tree = DecisionTreeClassifier(random_state=0).fit(self.features(steps), self.ids)
        return TreeSubstitute(steps, tree, np.array(self.labels, dtype=np.int64))

    def note(self, columns: Ints, near: Floats, far: Floats) -> None:
        """Add a threshold between each two values, unless one that is known lies there."""
        for j, a, b in zip(columns.tolist(), near, far, strict=True):
            low, high = min(a, b), max(a, b)
            slack = 0.0 if self.frame.domain.discrete[j] else high - low
            if not any(low - slack <= edge <= high + slack for edge in self.edges[j]):
                self.edges[j].append(float(low + high) / 2)
