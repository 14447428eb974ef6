"""Which copy is handed in: the one that agrees most with answers of the target held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.power import Grade
from goalkeeper.games.extraction import Substitute
from goalkeeper.training.families import choose_family, fit_family

HELD_SHARE = 0.2  # of the attacker's own inputs, and of the budget, at most
FEW_HELD, MAX_HELD = 100, 400  # of few inputs up to half is held back, to have so many


@dataclass(frozen=True, eq=False)
class Contest:
    """Answers held back, and the copy that needs none: every other must agree with as many.

    Parameters
    ----------
    access
        Where the questions go.
    rest
        The attacker's own data without what is held back; None without data.
    held
        Own inputs that no copy learns from, with the target's answers; None without data.
    """

    access: Access
    rest: Data | None = None
    held: AnsweredInputs | None = None
    own: Substitute | None = None
    own_agreement: int = -1

    @staticmethod
    def of(access: Access, spared: int = 0) -> Contest:
        """Ask about some of the attacker's own inputs, if it has data and a budget for it.

        The first `spared` inputs are not held back: they were asked before.
        """
        if access.granted.knowledge.data < Grade.PARTIAL:
            return Contest(access)
        data = access.data()
        spared = min(spared, len(data))
        late = spared + access.rng.permutation(len(data) - spared)
        order = np.concatenate([late, np.arange(spared)])
        wanted = max(HELD_SHARE * len(data), min(FEW_HELD, len(data) / 2))
        size = int(min(MAX_HELD, len(late), wanted, HELD_SHARE * access.left()[0]))
        rest = data.take(order[size:])
        if not size:
            return Contest(access, rest, None, _learn_from_truth(data, access))
        x = data.x[order[:size]]
        held = AnsweredInputs.of(x, access.query(x))
        own, agreement = _compare_own_copy(data, order, held, access)
        return Contest(access, rest, held, own, agreement)

    def agreement(self, copy: Substitute) -> int:
        """Count the answers held back on which a copy agrees."""
        if copy is self.own:
            return self.own_agreement
        if self.held is None:
            return 0
        return int((copy.predict(self.held.x) == self.held.labels).sum())

    def best_of(self, copy: Substitute, asked: AnsweredInputs | None) -> Substitute:
        """Choose between a copy, what is learnt from all that was asked, and the own data's."""
        rivals = [copy] if self.own is None else [self.own, copy]  # the first wins a tie
        if asked is not None:
            rivals.append(learn_substitute(asked, self.access.domain, self.access.rng, self.held))
        return max(rivals, key=self.agreement)

    def improve(self, copies: Iterable[Substitute]) -> Iterator[Substitute]:
        """Yield, for each copy that comes, the best so far; the own data's is the first."""
        best = self.own
        for copy in copies:
            if best is None or self.agreement(copy) >= self.agreement(best):
                best = copy
            yield best


def _learn_from_truth(data: Data, access: Access) -> Substitute | None:
    """Train the family that fits the own true classes best; None where there is one class."""
    if len(np.unique(data.y)) < 2:
        return None
    seed = int(access.rng.integers(2**31))
    return fit_family(choose_family(data, access.domain, seed), data, access.domain, seed)


def _compare_own_copy(
    data: Data, order: Ints, held: AnsweredInputs, access: Access
) -> tuple[Substitute | None, int]:
    """Train on all own data; how well that agrees is seen from a copy that misses what is held."""
    rest = data.take(order[len(held.labels) :])
    if len(np.unique(rest.y)) < 2:
        return None, -1
    seed = int(access.rng.integers(2**31))
    family = choose_family(rest, access.domain, seed)
    compared = fit_family(family, rest, access.domain, seed)
    agreement = int((compared.predict(held.x) == held.labels).sum())
    return fit_family(family, data, access.domain, seed), agreement
