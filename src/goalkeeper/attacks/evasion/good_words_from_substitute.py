"""Learn a substitute of the filter from its labels, and append the words it weighs most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._mixtures import WordMixtures, WordPull, split_rounds
from goalkeeper.attacks._words import list_query_words
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.attacks.evasion._words import TextItem, WordAttack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsFromSubstitute(WordAttack):
    """Train a linear substitute first, then evade it: a chain of two attacks.

    Half of the budget is spent on random mixtures of words, whose labels teach a linear substitute
    the weight of each word. Then the words with the largest weights are appended in doubling
    numbers, and the smallest number that flips the answer is found by bisection. What is learnt
    serves every message, and each message's campaign pays for all of it: that is what a single
    one would cost.

    Settings
    --------
    most_words
        Words that are mixed, at most: those of the attacker's data first, where it has any.
    questions
        Mixtures sent, at most.

    Deviations: the substitute of Papernot et al. is a network, fed by steps along its gradient;
    here it is linear, and mixtures are drawn near its boundary.
    """

    version = 2
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

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[TextItem], QueryPlan]:
        """Learn the copy once, and rank its words once for each aim."""
        mixtures = WordMixtures(access, list_query_words(access, self.most_words, question.x))
        for size in split_rounds(min(self.questions, mixtures.left // 2)):
            mixtures.ask(size)
            mixtures.learn()
        pull, ranked = mixtures.fit, dict[bytes, list[str]]()

        def plan(item: TextItem) -> QueryPlan:
            if pull is None:
                return
            key = item.wanted.tobytes()
            if key not in ranked:
                for_it = measure_pull(pull, item.wanted)
                best = np.argsort(-for_it, kind="stable")[: self.strongest]
                ranked[key] = [mixtures.words[i] for i in best if for_it[i] > 0]
            yield from _append_fewest(item, ranked[key])

        return plan


def measure_pull(pull: WordPull, wanted: Bools) -> Floats:
    """Return how strongly each word pulls towards the wanted classes `(classes,)`, `(d,)`."""
    weights = pull.weights
    if len(pull.classes) == 2:
        weights = np.vstack([-weights[0], weights[0]]) / 2
    for_it = wanted[pull.classes]
    if for_it.all() or not for_it.any():
        return np.zeros(weights.shape[1])
    return np.asarray(weights[for_it].max(axis=0) - weights[~for_it].max(axis=0))


def _append_fewest(item: TextItem, words: list[str]) -> QueryPlan:
    """Append doubling numbers of words, over and over, then bisect for the smallest number."""
    most = item.constraint.most_words
    words = (words * (most // max(1, len(words)) + 1))[:most]
    low, high = 0, 1
    while words:
        reply = yield [item.plus(words[:high])]
        if reply.reached[0]:
            break
        if high >= len(words):
            return
        low, high = high, min(2 * high, len(words))
    while high - low > 1:
        middle = (low + high) // 2
        reply = yield [item.plus(words[:middle])]
        low, high = (low, middle) if reply.reached[0] else (middle, high)
