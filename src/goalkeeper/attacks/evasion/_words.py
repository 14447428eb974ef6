"""Evasion by added words: one query plan for each text, and public word lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import final

import numpy as np

from goalkeeper.attacks.evasion._query_plans import PlanAttack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Inputs
from goalkeeper.games.evasion import AdditionConstraint, EvasionQuestion


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


@cache
def read_word_list(name: str) -> tuple[str, ...]:
    """Read a public word list, each word once, the most frequent first."""
    text = files("goalkeeper.attacks.evasion").joinpath("words", f"{name}.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(dict.fromkeys(word for line in lines for word in line.split()))


def list_public_words(access: Access, wanted: Bools) -> list[str]:
    """List the words that anyone would try, to get one of the `wanted` `(classes,)` answers.

    Everyday words to pass as harmless, words of advertising to be declined, both where no class
    is harmless.
    """
    if access.harmless is None:
        return [*read_word_list("everyday"), *read_word_list("advert")]
    return list(read_word_list("everyday" if wanted[access.harmless] else "advert"))
