"""Indicator words from labels: which words, mixed at random, turn an input harmful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._mixtures import WordMixtures, split_rounds
from goalkeeper.attacks._words import list_query_words
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.core.text import terms
from goalkeeper.games.indicator_words import Ranking, RankingAim, WordIndicators


@final
@dataclass(frozen=True, kw_only=True)
class IndicatorWords(Attack[RankingAim, Ranking]):
    """Query mixtures of words near the boundary, and rank words by their effect on the label.

    Each text tests all its words at once, and words that pull towards harmless balance those
    that pull the other way, so that the answer is open and a label says most. (Asking less about
    words that seem weak was tried, and found fewer indicators.)

    Settings
    --------
    most_words
        Words that are mixed, at most: those of similar data if there is any, then public ones.

    Deviations from the source: testing single words on a barely passing message finds one word a
    query; here a query tests as many words as its text holds, and a linear fit separates them.
    Words that are rarer in similar data than those that count are ranked last.
    """

    game: ClassVar[type[WordIndicators]] = WordIndicators
    variant: ClassVar[str] = "internals.indicators"
    reference: ClassVar[str] = (
        "Lowd, Meek: Good Word Attacks on Statistical Spam Filters (CEAS 2005); "
        "pooled designs as in Plan, Vershynin: Robust 1-bit Compressed Sensing (IEEE Transactions "
        "on Information Theory 2013)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("indicator-words",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=20_000, share=0.0, compute_h=1.0)
    most_words: int = 3000

    def run(self, question: RankingAim, access: Access) -> Ranking:
        """Ask in rounds of doubling size, and hand in the ranking after each."""
        mixtures = WordMixtures(access, list_query_words(access, self.most_words))
        groups = np.arange(len(access.classes)) != (access.harmless or 0)
        rare = _are_rare(mixtures.words, question.share, access)
        ranking: Ranking = [mixtures.words[i] for i in np.argsort(rare, kind="stable")]
        for size in split_rounds(mixtures.left):
            mixtures.ask(size)
            pull = mixtures.learn(groups.astype(np.int64))
            if pull is not None:
                order = np.lexsort((-pull.weights[0], rare))
                ranking = [mixtures.words[i] for i in order]
            access.checkpoint(ranking)
        return ranking


def _are_rare(words: Sequence[str], share: float, access: Access) -> Bools:
    """Tell which words are in fewer than a share of similar texts, `(n,)`; none without data."""
    if access.granted.knowledge.data < Grade.PARTIAL:
        return np.zeros(len(words), dtype=bool)
    x = access.data().x
    counts = Counter(word for text in x for word in set(terms(text)))
    least = max(2.0, share * len(x))
    return np.array([counts[word] < least for word in words], dtype=bool)
