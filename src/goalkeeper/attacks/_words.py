"""Words that an attacker tries: those of its own data, and public word lists in two languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.languages import find_language
from goalkeeper.core.power import Grade
from goalkeeper.core.text import terms

LISTS = ("advert", "everyday")
LANGUAGES = ("en", "de")
LIKELY = 1.0  # standard errors by which the log-odds of a typical word differ from nothing


@cache
def read_word_list(name: str, language: str = "en") -> tuple[str, ...]:
    """Read a public word list, each word once, the most frequent first."""
    folder = files("goalkeeper.attacks.evasion").joinpath("words", language)
    lines = folder.joinpath(f"{name}.txt").read_text("utf-8").splitlines()
    words = (word for line in lines if not line.startswith("#") for word in line.split())
    return tuple(dict.fromkeys(words))


@cache
def public_words(language: str = "en") -> tuple[str, ...]:
    """List about 1,800 English words, those of advertising first, then the everyday ones.

    They are public knowledge that an attacker has without any data; each stands there once. There
    are fewer German ones, and none of other languages.
    """
    if language not in LANGUAGES:
        return ()
    words = (word for name in LISTS for word in read_word_list(name, language))
    return tuple(dict.fromkeys(words))


def find_texts_language(x: Iterable[str]) -> str:
    """Find the language of texts `(n,)` that an attacker has: "en", "de", or "" for any other."""
    words = [word for text in x for word in terms(text[:1000])]
    return find_language(words, {each: frozenset(public_words(each)) for each in LANGUAGES})


def list_typical_words(access: Access, wanted: Bools) -> list[str]:
    """List the words typical of the `wanted` `(classes,)` in the attacker's own similar data.

    They come in the order of their log-odds in standard errors, which prefers words that are both
    typical and frequent (Monroe, Colaresi, Quinn 2008, Fightin' words). Empty without data.
    """
    if access.granted.knowledge.data < Grade.PARTIAL:
        return []
    data = access.data()
    inside = wanted[data.y]
    here, there = _count_texts(data.x[inside]), _count_texts(data.x[~inside])
    n, m = int(inside.sum()), int((~inside).sum())
    scores = {word: _measure_odds(count, n, there.get(word, 0), m) for word, count in here.items()}
    likely = [word for word in scores if scores[word] > LIKELY]
    return sorted(likely, key=lambda word: (-scores[word], word))


def _measure_odds(here: int, n: int, there: int, m: int) -> float:
    """Return the log-odds ratio of standing in a text here and there, in standard errors."""
    odds = np.log((here + 0.5) / (n - here + 0.5)) - np.log((there + 0.5) / (m - there + 0.5))
    return float(odds / np.sqrt(1 / (here + 0.5) + 1 / (there + 0.5)))


def _count_texts(x: Inputs) -> Counter[str]:
    """Count the texts `(n,)` in which each word stands."""
    return Counter(word for text in x for word in set(terms(text)))


def list_words_of(x: Inputs) -> list[str]:
    """List the words of texts `(n,)`, those that stand in most of them first."""
    counts = _count_texts(x)
    return sorted(counts, key=lambda word: (-counts[word], word))


def list_query_words(access: Access, most: int, seen: Inputs | None = None) -> tuple[str, ...]:
    """List up to `most` words: the model's own, those of the attacker's texts, then public ones.

    The model's own words are there only if it is known in part, own texts, the most
    frequent words first, only if similar data was granted. Without such data the public words are
    in the language of the texts `seen` `(n,)` that the question holds, if it holds any; of other
    languages than English and German only the words of these texts themselves are known.
    """
    shares = _count_shares(access)
    words = sorted(shares, key=lambda word: (-shares[word], word))
    language = "en" if seen is None or words else find_texts_language(seen)
    if seen is not None and not language:
        words = list_words_of(seen)
    public = public_words(language or "en")
    return tuple(dict.fromkeys([*_list_vocabulary(access), *words, *public]))[:most]


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
    counts = _count_texts(data)
    return {word: count / len(data) for word, count in counts.items()}
