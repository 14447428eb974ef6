"""Words that anyone may know: the public word lists, for attacks of every game."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Grade
from goalkeeper.core.text import terms

LISTS = ("advert", "everyday")


@cache
def public_words() -> tuple[str, ...]:
    """List about 1,800 English words, those of advertising first, then the everyday ones.

    They are public knowledge that an attacker has without any data; each stands there once.
    """
    folder = files("goalkeeper.attacks.evasion").joinpath("words")
    texts = [folder.joinpath(f"{name}.txt").read_text("utf-8") for name in LISTS]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    return tuple(dict.fromkeys(word for line in lines for word in line.split()))


def list_query_words(access: Access, most: int) -> tuple[str, ...]:
    """List up to `most` words: the model's own, those of the attacker's texts, then public ones.

    The model's own words are there only if it is known in part, own texts, the most
    frequent words first, only if similar data was granted.
    """
    shares = _count_shares(access)
    words_of_data = sorted(shares, key=lambda word: (-shares[word], word))
    return tuple(dict.fromkeys([*_list_vocabulary(access), *words_of_data, *public_words()]))[:most]


def _list_vocabulary(access: Access) -> tuple[str, ...]:
    """List the single words that the model is known to know, if that was granted."""
    if access.granted.knowledge.model < Grade.PARTIAL:
        return ()
    try:
        return tuple(word for word in access.vocabulary() if " " not in word)
    except NotOffered:
        return ()


def weigh_by_frequency(access: Access, words: Sequence[str]) -> Floats:
    """Return how much more often than a rare word each of `words` stands in texts, `(d,)`: 1 to 10.

    Known from the attacker's own texts, if granted; otherwise only that every text has the
    function words (the, and, you, ...).
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    shares = _count_shares(access)
    if shares:
        return np.array([1.0 + 9.0 * shares.get(word, 0.0) ** 0.5 for word in words])
    return np.array([4.0 if word in ENGLISH_STOP_WORDS else 1.0 for word in words])


def _count_shares(access: Access) -> dict[str, float]:
    """Share of the attacker's own texts in which each word stands; empty without data."""
    if access.granted.knowledge.data < Grade.PARTIAL:
        return {}
    data = access.data().x
    counts = Counter(word for text in data for word in set(terms(text)))
    return {word: count / len(data) for word, count in counts.items()}
