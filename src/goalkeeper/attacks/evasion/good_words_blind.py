"""Append everyday words to a message, without ever seeing an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.attacks.evasion._words import Candidates, TextItem, WordAttack
from goalkeeper.core.access import Access
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import EvasionQuestion


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsBlind(WordAttack):
    """Append growing amounts of common words, the most frequent first; no norm bounds them.

    To pass as harmless the words are those of everyday correspondence, to be declined those of
    advertising: public lists of English and of German. Texts of other languages get the most
    frequent words of all texts to send. Costs no query.

    Deviations: Wittel and Wu draw their common words from a dictionary at random; here they come
    in the order of a list, so that each amount includes the smaller ones.
    """

    version = 2
    variant = "evasion.good_words"
    reference = "Wittel, Wu 2004, On attacking statistical spam filters, CEAS"
    most = Budget(queries=0)
    amounts: tuple[int, ...] = (10, 20, 50, 100, 200, 500)

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[TextItem], QueryPlan]:
        """Append more and more words."""
        candidates = Candidates(access, question.x)

        def plan(item: TextItem) -> QueryPlan:
            words = candidates.list_words(item.wanted)
            for amount in self.amounts:
                yield [item.plus(words[:amount])]

        return plan
