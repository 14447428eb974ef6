"""Which words to ask about: one's own first, then those that anyone knows."""

from __future__ import annotations

from collections import Counter

from goalkeeper.attacks._words import public_words
from goalkeeper.core.access import Access
from goalkeeper.core.power import Grade
from goalkeeper.games._text import terms


def words_to_ask(access: Access, most: int) -> tuple[str, ...]:
    """List up to `most` words: those of the attacker's own texts, the commonest first, then public.

    Own texts are there only if similar data was granted.
    """
    counts: Counter[str] = Counter()
    if access.granted.knowledge.data >= Grade.PARTIAL:
        for text in access.data().x:
            counts.update(set(terms(text)))
    own = sorted(counts, key=lambda word: (-counts[word], word))
    return tuple(dict.fromkeys([*own, *public_words()]))[:most]
