"""Optimised points with labels, as the attacks that add labelled points send them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks.poisoning._implicit import (
    Records,
    climb,
    pull_of,
    train_surrogate,
    with_one,
)
from goalkeeper.attacks.poisoning._spaces import PointSpace, choose_space
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.text import texts

ENTRIES = 200_000  # of the surrogate's training data: more of it would only take time
MOST_ROWS, FEWEST_ROWS = 2000, 200
MOST_POINTS = 200  # different ones; a larger contribution repeats them


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PointCrafter:
    """What is known of the victim's data, split for a surrogate.

    Parameters
    ----------
    known
        The attacker's data.
    ours, other
        The class to be damaged, and the label that its like are given.
    everybody
        Whether mistakes count on all inputs, or only on those of `ours`.
    learnt, judged
        Which of the known records the surrogate learns, and is judged by, `(n,)`.
    """

    space: PointSpace
    domain: Domain
    known: Data
    ours: int
    other: int
    everybody: bool
    learnt: Ints
    judged: Ints

    @staticmethod
    def of(access: Access, ours: int) -> PointCrafter | None:
        """Prepare; None where the known records are of one class only."""
        known = access.data()
        counted = np.bincount(known.y, minlength=len(access.classes))
        counted[ours] = -1
        other = int(np.argmax(counted))
        if counted[other] < 2 or (known.y == ours).sum() < 2:
            return None
        space = choose_space(access.domain, known.x)
        width = space.encode(known.x[:1]).shape[1]
        most = int(np.clip(ENTRIES // width, FEWEST_ROWS, MOST_ROWS))
        order = access.rng.permutation(len(known))[:most]
        third = len(order) // 3
        return PointCrafter(
            space=space,
            domain=access.domain,
            known=known,
            ours=ours,
            other=other,
            everybody=access.harmless is None,
            learnt=order[third:],
            judged=order[:third],
        )

    def craft(self, share: float, rng: np.random.Generator, strength: float) -> Data:
        """Make points that do harm when they are `share` of what is learnt beside them.

        `strength` is the inverse strength of the surrogate's penalty, as C in scikit-learn.
        """
        wanted = share * len(self.learnt)
        number = int(np.clip(round(wanted), 1, MOST_POINTS))
        rows = np.resize(rng.permutation(self.learnt), number)
        labels = np.where(self._is_ours(rows), self.other, self.ours)
        poison = Records(
            points=self.space.encode(self.known.x[rows]),
            sides=np.where(labels == self.ours, 1.0, -1.0),
            weights=np.full(number, max(wanted, 1.0) / number),
        )
        points = climb(
            self._records(self.learnt),
            poison,
            self._records(self._judged()),
            self.space,
            rng,
            penalty=1 / (strength * len(self.learnt)),
        )
        x = self.space.decode(points)
        if x.dtype == object:  # the words go behind a text, which stays like its neighbours
            room = int(getattr(self.domain, "max_chars", 0))
            x = texts(f"{a} {b}"[:room] for a, b in zip(self.known.x[rows], x, strict=True))
        return Data(x=x, y=labels)

    def rank_flips(self, strength: float = 1.0) -> tuple[Ints, Ints]:
        """Order the known records by the harm of their wrong label: rows, and these labels.

        Where mistakes count on one class only, records of that class alone.
        """
        learnt = self._records(self.learnt)
        start = np.zeros(learnt.points.shape[1] + 1)
        w, curvature = train_surrogate(learnt, start, 1 / (strength * len(self.learnt)))
        pull = pull_of(self._records(self._judged()), w, curvature)
        rows = self._candidates(np.arange(len(self.known)))
        records = self._records(rows)
        harm = -records.sides * (with_one(records.points) @ pull)
        order = rows[np.argsort(-harm, kind="stable")]
        return order, np.where(self._is_ours(order), self.other, self.ours)

    def flip_some(self, rng: np.random.Generator) -> Data:
        """Return known records in random order, each with the wrong label."""
        rows = rng.permutation(self._candidates(np.arange(len(self.known))))
        labels = np.where(self._is_ours(rows), self.other, self.ours)
        return Data(x=self.known.x[rows], y=labels)

    def _judged(self) -> Ints:
        judged = self._candidates(self.judged)
        return judged if len(judged) else self._candidates(self.learnt)

    def _candidates(self, rows: Ints) -> Ints:
        return rows if self.everybody else rows[self._is_ours(rows)]

    def _is_ours(self, rows: Ints) -> Bools:
        return np.asarray(self.known.y[rows] == self.ours)

    def _records(self, rows: Ints) -> Records:
        return Records(
            points=self.space.encode(self.known.x[rows]),
            sides=np.where(self._is_ours(rows), 1.0, -1.0),
            weights=np.ones(len(rows)),
        )
