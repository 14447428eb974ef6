"""Evasion by added words: one query plan for each text, and the words that are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from goalkeeper.attacks._words import (
    find_texts_language,
    list_typical_words,
    list_words_of,
    public_words,
    read_word_list,
)
from goalkeeper.attacks.evasion._query_plans import PlanAttack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Inputs
from goalkeeper.core.power import Grade
from goalkeeper.core.scripts import HAS_UNSPACED, list_clusters
from goalkeeper.games.evasion import AdditionConstraint, EvasionQuestion

OWN_WORDS = 300  # of the texts to attack that are tried before the English ones


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TextItem:
    """One text to attack: wanted answers `(classes,)`, its constraint and its own randomness."""

    text: str
    wanted: Bools
    constraint: AdditionConstraint
    rng: np.random.Generator

    def plus(self, words: list[str]) -> str:
        """Return the text with words appended."""
        return self.constraint.append(self.text, words)

    def split(self) -> tuple[list[str], str]:
        """Split the text into words, or characters where no spaces are; and what joins them."""
        if HAS_UNSPACED.search(self.text):
            return list_clusters(self.text), ""
        return self.text.split(), " "


@dataclass(frozen=True, kw_only=True)
class WordAttack(PlanAttack[TextItem]):
    """An attack that adds words. Subclasses are final and say how to plan for one text."""

    domains = frozenset({"text"})
    tasks = ("harmful-passes", "harmless-declined", "any-wrong")

    @final
    def items(self, question: EvasionQuestion, streams: Inputs) -> list[TextItem]:
        """Return each text with what its plan needs to know."""
        constraint = question.constraint
        if not isinstance(constraint, AdditionConstraint):
            raise TypeError(f"this attack adds words to texts, the constraint is {constraint!r}")
        return [
            TextItem(text=text, wanted=wanted, constraint=constraint, rng=rng)
            for text, wanted, rng in zip(question.x, question.goal.wanted, streams, strict=True)
        ]


def list_public_words(access: Access, wanted: Bools, language: str) -> list[str]:
    """List the words that anyone would try, to get one of the `wanted` `(classes,)` answers.

    Everyday words to pass as harmless, words of advertising to be declined, both where no class
    is harmless; of the language of the texts, and none where no list is in it.
    """
    if not public_words(language):
        return []
    if access.harmless is None:
        return [*read_word_list("everyday", language), *read_word_list("advert", language)]
    return list(read_word_list("everyday" if wanted[access.harmless] else "advert", language))


class Candidates:
    """The words to add to texts: the same for all texts of one aim.

    Those typical of what is wanted in the attacker's own data come first, then the public words
    of the language; where it is another one, the words of the texts to attack, and English ones.
    Last come all other words of the attacker's data of what is wanted: a single one of them may
    let any text pass, and be too rare to be typical.
    """

    def __init__(self, access: Access, x: Inputs) -> None:
        self._access, self._x = access, x
        self._language = find_texts_language(x)
        self._found: dict[bytes, list[str]] = {}

    def list_words(self, wanted: Bools) -> list[str]:
        """List the words to try for the `wanted` `(classes,)`, the best first."""
        key = wanted.tobytes()
        if key not in self._found:
            typical = list_typical_words(self._access, wanted)
            public = list_public_words(self._access, wanted, self._language or "en")
            own = [] if self._language else list_words_of(self._x)[:OWN_WORDS]
            rest = self._list_rest(wanted)
            self._found[key] = list(dict.fromkeys([*typical, *own, *public, *rest]))
        return self._found[key]

    def _list_rest(self, wanted: Bools) -> list[str]:
        if self._access.granted.knowledge.data < Grade.PARTIAL:
            return []
        data = self._access.data()
        return list_words_of(data.x[wanted[data.y]])


class Suspects:
    """The words by which texts seem to be recognised: those to respell first."""

    def __init__(self, access: Access, x: Inputs) -> None:
        self._access, self._language = access, find_texts_language(x)
        self._found: dict[bytes, frozenset[str]] = {}

    def list_words(self, wanted: Bools) -> frozenset[str]:
        """List the words that speak against the `wanted` `(classes,)`: typical or public ones."""
        key = wanted.tobytes()
        if key not in self._found:
            words = list_typical_words(self._access, ~wanted)
            public = list_public_words(self._access, ~wanted, self._language)
            self._found[key] = frozenset([*words, *public])
        return self._found[key]
