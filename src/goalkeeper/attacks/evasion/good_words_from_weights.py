"""Read the weights of a linear filter, and append the few words that flip its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._linear_text import GrowingText, LinearText
from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.attacks.evasion._words import TextItem, WordAttack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import UNLIMITED, Budget
from goalkeeper.games.evasion import EvasionQuestion

AROUND = (0, 1, -1, 2, -2, 3, 5, 8, 16)  # numbers of words to check, beside the predicted one


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsFromWeights(WordAttack):
    """Append, one at a time, the word which brings the wanted answer nearest by the weights.

    The score of each candidate is computed in closed form, with term frequency, idf and norm; so
    for counts without a norm the number of words is the smallest there is. About the predicted
    number, prefixes of the words are checked on the attacker's own copy (about 15 queries),
    which also detects a model that tokenises texts in an unusual way.

    The variant is `evasion.gradient`: the weights of a linear model are its gradient, and what
    the attacker needs is the model in full.

    Deviations: Lowd and Meek rank words once by weight; here each word is chosen after those
    before it, as a norm makes every further word weaker. Runs of words that arise where words
    meet are not predicted but checked.

    Parameters
    ----------
    pool
        Candidates: as many by weight, and as many by weight times idf.
    """

    variant = "evasion.gradient"
    reference = (
        "Lowd, Meek 2005, Good word attacks on statistical spam filters, CEAS; "
        "Biggio et al. 2013, Evasion attacks against machine learning at test time, ECML PKDD"
    )
    most = Budget(queries=100, compute_h=UNLIMITED)
    refines: ClassVar[bool] = True
    pool: int = 500

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse a model whose weights or words cannot be read."""
        try:
            parameters = app.target.parameters()
        except NotOffered as error:
            return Unfit(f"the attack reads linear weights: {error}")
        if "vocabulary" not in parameters:
            return Unfit("the parameters do not name the words behind the weights")
        return None

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[TextItem], QueryPlan]:
        """Read the weights once, and choose the candidates once for each aim."""
        model = LinearText.read(access.parameters())
        pools: dict[bytes, Ints] = {}

        def plan(item: TextItem) -> QueryPlan:
            key = item.wanted.tobytes()
            if key not in pools:
                pools[key] = model.choose_words(item.wanted, self.pool)
            if len(pools[key]):
                growing = GrowingText(model, item.text, item.wanted, pools[key])
                yield from _check_sizes(item, *_predict_words(growing, item.constraint.most_words))

        return plan


def _predict_words(text: GrowingText, most: int) -> tuple[list[str], int]:
    """Add words until the weights say the answer turned, and then some more to fall back on."""
    words: list[str] = []
    while text.lead <= 0 and len(words) < most:
        before = text.lead
        words.append(text.grow())
        if text.lead <= before and len(words) > 2 * max(AROUND):
            break  # no word helps any more
    predicted = len(words)
    while len(words) < min(most, 4 * predicted + max(AROUND)):
        words.append(text.grow())
    return words, predicted


def _check_sizes(item: TextItem, words: list[str], predicted: int) -> QueryPlan:
    """Ask about the predicted number of words and those around it, then bisect the gap left."""
    around = [predicted + d for d in AROUND] + [2 * predicted, 4 * predicted]
    sizes = [size for size in dict.fromkeys(around) if 0 < size <= len(words)]
    reply = yield [item.plus(words[:size]) for size in sizes]
    turned = np.array(sizes)[reply.reached]
    if len(turned):
        high = int(turned.min())
        low = max((size for size in sizes if size < high), default=0)
        while high - low > 1:
            middle = (low + high) // 2
            reply = yield [item.plus(words[:middle])]
            low, high = (low, middle) if reply.reached[0] else (middle, high)
