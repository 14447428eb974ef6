"""Evasion by rewritten words: one query plan for each text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.evasion._query_plans import PlanAttack, QueryPlan
from goalkeeper.attacks.evasion._words import Suspects
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Inputs
from goalkeeper.games.evasion import (
    EditConstraint,
    EvasionQuestion,
    Token,
    find_words,
    rewrite_parts,
    split_parts,
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EditItem:
    """One text to attack, its words that may be changed, by place, and its own randomness."""

    text: str
    parts: Sequence[str]
    words: Mapping[int, Token]
    wanted: Bools
    constraint: EditConstraint
    rng: np.random.Generator

    def rewrite(self, changes: Mapping[int, str]) -> str:
        """Return the text with other words in some places."""
        return rewrite_parts(self.parts, changes)


@dataclass(frozen=True, kw_only=True)
class EditAttack(PlanAttack[EditItem]):
    """An attack that rewrites words. Subclasses are final and say how to plan for one text."""

    domains = frozenset({"text"})
    tasks = ("*-edits",)
    refines: ClassVar[bool] = True

    @abstractmethod
    def plan(self, item: EditItem, suspects: Collection[str]) -> QueryPlan:
        """Plan for one text; `suspects` are words that an attacker would try to hide first."""

    @final
    def items(self, question: EvasionQuestion, streams: Inputs) -> list[EditItem]:
        """Return each text with the words that may be changed."""
        constraint = question.constraint
        if not isinstance(constraint, EditConstraint):
            raise TypeError(
                f"this attack rewrites words of texts, the constraint is {constraint!r}"
            )
        return [
            EditItem(
                text=text,
                parts=split_parts(text),
                words=find_words(text),
                wanted=wanted,
                constraint=constraint,
                rng=rng,
            )
            for text, wanted, rng in zip(question.x, question.goal.wanted, streams, strict=True)
        ]

    @final
    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[EditItem], QueryPlan]:
        """Plan for each text on its own."""
        suspects = Suspects(access, question.x)
        return lambda item: self.plan(item, suspects.list_words(item.wanted))
