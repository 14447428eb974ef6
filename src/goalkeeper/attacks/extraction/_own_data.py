"""Ask about the attacker's own inputs, then about blends that say most, and learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from goalkeeper.attacks.extraction._blends import blend_inputs, blend_near
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._learning import (
    AnsweredInputs,
    ScoreSubstitute,
    VoteSubstitute,
    fit_kind,
    rank_kinds,
)
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import TextDomain
from goalkeeper.games.extraction import Substitute
from goalkeeper.training.families import FamilyModel

KEPT = 3  # kinds of models that are trained on in every round; their vote is one more copy
POOL = 4  # blends drawn for each that is asked
UNSURE = 0.5  # share of the blends asked that lie where copies disagree or are unsure
# What is held back is learnt from at the end if it is more than this share of what was learnt: a
# little more makes no difference, and with many answers the last training takes longest.
LITTLE_MORE = 0.15
ENOUGH_HELD = 300  # answers to choose kinds on; fewer held back are joined by as many blends


def learn_from_own_data(access: Access, most: int, blended: float) -> Iterator[Substitute]:
    """Yield ever better substitutes.

    Parameters
    ----------
    access
        Data and questions.
    most
        One's own inputs asked, at most.
    blended
        Blends asked, as a multiple of the attacker's own inputs; the budget ends them as well.
    """
    contest = Contest.of(access)
    if contest.own is not None:
        yield contest.own
    yield from _learn(access, contest, most, blended)


def _learn(access: Access, contest: Contest, most: int, blended: float) -> Iterator[Substitute]:
    """Learn from own inputs, from blends in rounds of doubling size, at last from all answers."""
    pupils = _Pupils(access, contest)
    x = access.data().x[:0] if contest.rest is None else contest.rest.x
    pupils.ask(np.delete(x, contest.asked, axis=0)[: max(0, most - len(contest.asked))])
    pupils.choose_kinds()
    yield pupils.teach()
    total, rounds = int(blended * len(x)), 0
    while pupils.copies and (total := min(total, int(access.left()[0]))) > 0:
        size = min(total, max(len(x), pupils.answers))
        total -= size
        pupils.ask(pupils.draw_blends(x, size))
        rounds += 1
        if rounds == 1:
            pupils.choose_kinds()
        yield pupils.teach()
    final = pupils.finish()
    if final is not None:
        yield final


class _Pupils:
    """A few kinds of models that learn from all answers, and compete on what is held back."""

    def __init__(self, access: Access, contest: Contest) -> None:
        self._access, self._contest = access, contest
        self._answered = contest.taught
        self._kinds: Sequence[str] = ()
        self._handed: Substitute | None = None
        self._rivals: list[Substitute] = []  # the copies of this round, and their vote

    @property
    def copies(self) -> list[Substitute]:
        """The copies of this round."""
        return self._rivals[:-1]

    @property
    def answers(self) -> int:
        """Answers to learn from."""
        return 0 if self._answered is None else len(self._answered.labels)

    def ask(self, x: Inputs) -> None:
        """Ask as many inputs as the budget covers."""
        x = x[: int(self._access.left()[0])]
        if len(x):
            fresh = AnsweredInputs.of(x, self._access.query(x))
            self._answered = self._answered.joined(fresh) if self._answered else fresh

    def choose_kinds(self) -> None:
        """Rank the kinds of models on what is held back, and, where that is little, on more."""
        if self._answered is None or len(np.unique(self._answered.labels)) < 2:
            return
        rng, held, part = self._access.rng, self._contest.answers, self._answered
        if held is not None:
            extra = min(max(0, ENOUGH_HELD - len(held.labels)), len(part.labels) // 4)
            order = rng.permutation(len(part.labels))
            held, part = held.joined(part.take(order[:extra])), part.take(order[extra:])
        self._kinds = rank_kinds(part, self._contest.models, rng, held)[:KEPT]

    def teach(self) -> Substitute:
        """Train each kind on all answers; return the copy that the contest hands in."""
        if self._answered is None or not self._kinds:
            seen = 0 if self._answered is None else int(self._answered.labels[0])
            return self._contest.challenge(ConstantSubstitute(seen))
        copies = self._fit(self._answered, self._kinds)
        self._rivals = [*copies, VoteSubstitute(copies)]
        for copy in self._rivals:
            self._handed = self._contest.challenge(copy)
        return self._handed or copies[0]

    def finish(self) -> Substitute | None:
        """Train once more, on what was held back too; None where another copy is handed in.

        None as well where so little was held back that it makes no difference.
        """
        held, rivals = self._contest.answers, self._rivals
        if held is None or self._answered is None or self._handed not in rivals:
            return None
        if len(held.labels) <= LITTLE_MORE * self.answers:
            return None
        place, whole = rivals.index(self._handed), self._answered.joined(held)
        if place < len(self.copies):
            return self._fit(whole, self._kinds[place : place + 1])[0]
        return VoteSubstitute(self._fit(whole, self._kinds))

    def _fit(self, answered: AnsweredInputs, kinds: Sequence[str]) -> list[Substitute]:
        seed = int(self._access.rng.integers(2**31))
        return [fit_kind(kind, answered, self._contest.models, seed) for kind in kinds]

    def draw_blends(self, x: Inputs, n: int) -> Inputs:
        """Blend `n` inputs: half of them where copies disagree or are nearest to the boundary."""
        domain, rng = self._access.domain, self._access.rng
        blends = blend_inputs(x, POOL * n, domain, rng)
        if not isinstance(domain, TextDomain):
            close, _ = blend_near(x, x, POOL * n // 2, domain, rng)
            blends = np.concatenate([blends[len(close) :], close])
        blends = blends[domain.valid(blends)]
        judged = [_judge(copy, blends) for copy in self.copies]
        votes, doubt = np.stack([v for v, _ in judged]), np.max([d for _, d in judged], axis=0)
        unlike = (votes != votes[0]).any(axis=0)
        ranked = np.lexsort((-doubt, ~unlike))[: int(UNSURE * n)]
        others = rng.permutation(np.setdiff1d(np.arange(len(blends)), ranked))[: n - len(ranked)]
        return np.asarray(blends[np.concatenate([ranked, others])])


def _judge(copy: Substitute, x: Inputs) -> tuple[Ints, Floats]:
    """Return the classes of a copy and how unsure it is, both `(n,)`; 0 where it cannot say."""
    if not isinstance(copy, ScoreSubstitute | FamilyModel):
        return copy.predict(x), np.zeros(len(x))
    votes, values = copy.judge(x)
    if values.shape[1] == 1:
        return votes, -np.abs(values[:, 0])
    best = np.sort(values, axis=1)[:, -2:]
    return votes, np.asarray(best[:, 0] - best[:, 1])
