"""Which copy is handed in: the one that agrees most with answers of the target held back.

The copy that needs no question stays, unless answers show that another is better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from goalkeeper.attacks.extraction._blends import blend_near
from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.core.access import Access
from goalkeeper.core.application import Trainer
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Grade
from goalkeeper.games.extraction import Substitute
from goalkeeper.training.own_models import OwnModels

ASKED_SHARE = 0.2  # of the budget, at most, for own inputs
HELD_SHARE = 0.2  # of the attacker's own inputs, at least; none of what is asked goes beyond
FEW_HELD, MAX_HELD = 100, 400  # of few inputs up to half is held back, to have so many
NEAR_EACH = 10  # inputs asked near each that is held back, at most
NEAR_BUDGET = 0.1  # of the budget, at most, for these
NEAR_WEIGHT = 1.0  # of all that are near one together, where it weighs 1 itself
FEW_OF = 0.25  # of own inputs: so few held back make no difference to what own data teach
PARTS = 3  # in which more are left out, one after the other
LEAST = 0.25  # inputs on which two copies that never differed may differ, of so many
SURE = 1.5  # standard errors by which another copy must be better than the one without a question


@dataclass(eq=False)
class Contest:
    """Answers held back, and the copy that needs none: any other must agree with more.

    Parameters
    ----------
    access
        Where the questions go.
    models
        What the attacker can train.
    rest
        The attacker's own data without what is held back; None without data.
    asked
        Which rows of `rest` were asked, `(k,)`, and ...
    taught
        ... the answers to them; None without any.
    held
        Own inputs that no copy learns from, with the target's answers; without a budget for these
        their true classes stand in. None without data.
    near, place
        Inputs close to these `(m, ...)` with answers, and to which of them each is, `(m,)`.
    own
        The best copy that is made without a question; None without data of two classes.
    """

    access: Access
    models: OwnModels
    rest: Data | None = None
    asked: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    taught: AnsweredInputs | None = None
    held: AnsweredInputs | None = None
    near: AnsweredInputs | None = None
    place: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    own: Substitute | None = None
    _paid: bool = False
    _own_right: Floats = field(default_factory=lambda: np.zeros(0))
    _best: Substitute | None = None
    _best_right: Floats = field(default_factory=lambda: np.zeros(0))

    @staticmethod
    def of(access: Access, spared: int = 0) -> Contest:
        """Ask about some of the attacker's own inputs, if it has data and a budget for it.

        The first `spared` inputs are not held back: they were asked before.
        """
        contest = Contest(access, OwnModels(access.domain, _list_recipes(access)))
        if access.granted.knowledge.data >= Grade.PARTIAL:
            contest._hold_back(access.data(), spared)
        return contest

    def _hold_back(self, data: Data, spared: int) -> None:
        """Ask about own inputs, hold some of them back, and train without the answers."""
        access, compared = self.access, self.models.list_compared(len(data))
        order = access.rng.permutation(compared)
        order = order[np.argsort(order < spared, kind="stable")]
        wanted = int(max(HELD_SHARE * len(data), min(FEW_HELD, len(data) / 2)))
        paid = int(min(len(order), ASKED_SHARE * access.left()[0]))
        size = int(min(MAX_HELD, (order >= spared).sum(), wanted, paid or wanted))
        held, others = order[:size], np.setdiff1d(np.arange(len(data)), order[:size])
        self.rest, self._paid = data.take(others), paid > 0
        labels = data.y.copy()
        if paid:
            said = AnsweredInputs.of(data.x[order[:paid]], access.query(data.x[order[:paid]]))
            labels[order[:paid]] = said.labels
            self.held = said.take(np.arange(size))
            self.taught = said.take(np.arange(size, paid)) if paid > size else None
            self.asked = np.searchsorted(others, order[size:paid])
            self._ask_near(data)
        else:
            self.held = AnsweredInputs(data.x[held], labels[held], None)
        self._train_without_questions(data, labels[compared], held)

    def _ask_near(self, data: Data) -> None:
        """Ask about inputs between each that is held back and those that are like it."""
        access = self.access
        if self.held is None or not len(self.held.labels) or isinstance(access.domain, TextDomain):
            return
        size = len(self.held.labels)
        each = int(min(NEAR_EACH, NEAR_BUDGET * access.left()[0] / size))
        near, place = blend_near(self.held.x, data.x, each * size, access.domain, access.rng)
        if len(near):
            self.near, self.place = AnsweredInputs.of(near, access.query(near)), place

    def _train_without_questions(self, data: Data, labels: Ints, held: Ints) -> None:
        """Train on own true classes, and see how well that agrees at the rows held back.

        That is seen from models which miss a part of these rows each: one that misses all of them
        would be worse than the copy that is handed in.
        """
        kind = self.models.choose(data, labels)
        if kind is None or self.held is None:
            return
        self.own = self.models.fit(kind, data)
        parts = 1 if len(held) <= FEW_OF * len(data) else PARTS
        part = np.arange(len(held)) % parts
        self._own_right = np.zeros(len(held))
        for k in range(parts):
            rest = data.take(np.setdiff1d(np.arange(len(data)), held[part == k]))
            fair = len(np.unique(rest.y)) > 1
            right = self.find_right(self.models.fit(kind, rest) if fair else self.own)
            self._own_right[part == k] = right[part == k]

    @property
    def answers(self) -> AnsweredInputs | None:
        """All answers of the target that are held back; None without any."""
        if self.held is None or not self._paid:
            return None
        return self.held if self.near is None else self.held.joined(self.near)

    def judge_on(self, x: Inputs) -> None:
        """Hold back the answers to inputs made up, where there are no own data to hold back."""
        if self.held is None and len(x):
            self.held, self._paid = AnsweredInputs.of(x, self.access.query(x)), True

    # ---- judging --------------------------------------------------------------------------------

    def find_right(self, copy: Substitute) -> Floats:
        """Return how far a copy agrees at each input held back, and near it, `(n,)`: 0 to 1."""
        if self.held is None:
            return np.zeros(0)
        right = np.asarray(copy.predict(self.held.x) == self.held.labels, dtype=np.float64)
        if self.near is None:
            return right
        same = copy.predict(self.near.x) == self.near.labels
        count = np.bincount(self.place, minlength=len(right))
        near = np.bincount(self.place, same, minlength=len(right)) / np.maximum(count, 1)
        weight = np.where(count > 0, NEAR_WEIGHT, 0.0)
        return np.asarray((right + weight * near) / (1 + weight))

    def agreement(self, copy: Substitute) -> float:
        """Return the share of what is held back on which a copy agrees; 0 where nothing is."""
        right = self.find_right(copy)
        return float(right.mean()) if len(right) else 0.0

    def is_better(self, right: Floats) -> bool:
        """Tell whether a copy is better than the one without a question by more than chance."""
        if self.own is None or not len(right) or not len(self._own_right):
            return True
        gain = right - self._own_right
        error = np.sqrt(max(gain.var(), LEAST / len(gain)) / len(gain))
        return bool(gain.mean() > SURE * error)

    def challenge(self, copy: Substitute) -> Substitute:
        """Let a copy compete; return the one to hand in."""
        right = self.find_right(copy)
        if self._best is None or not len(right) or right.mean() >= self._best_right.mean():
            self._best, self._best_right = copy, right
        return self._best if self.own is None or self.is_better(self._best_right) else self.own

    def improve(self, copies: Iterable[Substitute]) -> Iterator[Substitute]:
        """Yield, for each copy that comes, the one to hand in; first the one without a question."""
        if self.own is not None:
            yield self.own
        for copy in copies:
            yield self.challenge(copy)

    def conclude(self, copy: Substitute, asked: AnsweredInputs | None) -> Substitute:
        """Return what to hand in at last: what is learnt from all that was asked competes too.

        Where no answers are held back that tell which is better, the copy stays.
        """
        handed = self.challenge(copy)
        if asked is None or not len(asked.labels) or self.answers is None:
            return handed
        return self.challenge(learn_substitute(asked, self.models, self.access.rng, self.answers))


def _list_recipes(access: Access) -> list[Trainer]:
    if access.granted.knowledge.algorithm < Grade.PARTIAL:
        return []
    try:
        return [access.trainer()]
    except NotOffered:
        return []
