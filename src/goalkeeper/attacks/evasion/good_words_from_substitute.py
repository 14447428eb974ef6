"""Learn a copy of the filter from its labels, and append the words that the copy likes best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._mixtures import Mixtures, Pull, rounds
from goalkeeper.attacks._words import words_to_ask
from goalkeeper.attacks.evasion._words import Case, Talk, WordAttack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import Question


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsFromSubstitute(WordAttack):
    """Steal first, evade then: a chain of two attacks.

    Half of the budget goes into mixtures of words, whose labels teach a linear copy which way each
    word pulls. Then the strongest words are appended in doubling numbers, and the smallest number
    that turns the answer is bisected. What is learnt serves every message, and each message's
    campaign pays for all of it: this is what a single one would cost.

    Settings
    --------
    most_words
        Words that are mixed, at most: own ones first where similar data is at hand.
    questions
        Mixtures asked, at most.

    Deviations: the copy of Papernot et al. is a network, fed by steps along its gradient; here it
    is linear, and mixtures are drawn near its boundary.
    """

    variant = "evasion.substitute"
    reference = (
        "Papernot, McDaniel, Goodfellow, Jha, Celik, Swami 2017, Practical black-box attacks "
        "against machine learning, ASIA CCS; Lowd, Meek 2005, Good word attacks on statistical "
        "spam filters, CEAS"
    )
    tasks = ("harmful-passes", "harmless-declined", "any-wrong")
    uses = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most = Budget(queries=3000, compute_h=1.0)
    refines: ClassVar[bool] = True
    most_words: int = 2000
    questions: int = 2000
    strongest: int = 200

    def talks(self, question: Question, access: Access) -> Callable[[Case], Talk]:
        """Learn the copy once, and rank its words once for each aim."""
        mixtures = Mixtures(access, words_to_ask(access, self.most_words))
        for size in rounds(min(self.questions, mixtures.left // 2)):
            mixtures.ask(size)
            mixtures.learn()
        pull, ranked = mixtures.pull, dict[bytes, list[str]]()

        def talk(case: Case) -> Talk:
            if pull is None:
                return
            key = case.wanted.tobytes()
            if key not in ranked:
                for_it = towards(pull, case.wanted)
                best = np.argsort(-for_it, kind="stable")[: self.strongest]
                ranked[key] = [mixtures.words[i] for i in best if for_it[i] > 0]
            yield from _fewest(case, ranked[key])

        return talk


def towards(pull: Pull, wanted: Bools) -> Floats:
    """Say how strongly each word pulls towards the wanted classes `(classes,)`, `(d,)`."""
    weights = pull.weights
    if len(pull.classes) == 2:
        weights = np.vstack([-weights[0], weights[0]]) / 2
    for_it = wanted[pull.classes]
    if for_it.all() or not for_it.any():
        return np.zeros(weights.shape[1])
    return np.asarray(weights[for_it].max(axis=0) - weights[~for_it].max(axis=0))


def _fewest(case: Case, words: list[str]) -> Talk:
    """Append doubling numbers of words, over and over, then bisect for the smallest number."""
    most = case.limits.most_words
    words = (words * (most // max(1, len(words)) + 1))[:most]
    low, high = 0, 1
    while words:
        (reached,) = yield [case.plus(words[:high])]
        if reached:
            break
        if high >= len(words):
            return
        low, high = high, min(2 * high, len(words))
    while high - low > 1:
        middle = (low + high) // 2
        (reached,) = yield [case.plus(words[:middle])]
        low, high = (low, middle) if reached else (middle, high)
