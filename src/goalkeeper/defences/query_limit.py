"""Limit how many questions an account may ask a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker, Grade
from goalkeeper.defences.base import GRANTED, Defence, Settings

# What takes a thousand questions takes a day, ten days, a month and more than three months then:
# longer than a month is what puts many attacks out of reach of those who must be withstood.
LIMITS = (1000, 100, 30, 10)


class LimitSettings(Settings):
    """How many."""

    per_day: int = Field(default=1000, ge=1, description="questions that an account may ask a day")


class QueryLimit(Defence[LimitSettings]):
    """What needs many questions takes days then, and that is attack potential."""

    about: ClassVar[str] = "limit how many questions an account may ask a day"
    works: ClassVar[str] = "accounts are hard to come by, so that nobody asks from many"
    price: ClassVar[str] = "users with many questions have to wait"
    adaptive: ClassVar[str] = GRANTED
    goals: ClassVar[frozenset[Goal]] = frozenset({
        Goal.CONFIDENTIALITY, Goal.PRIVACY, Goal.INTEGRITY, Goal.AVAILABILITY,
    })  # fmt: skip
    families: ClassVar[frozenset[str]] = frozenset({
        "extraction", "internals", "evasion", "membership", "inversion", "attribute", "property",
        "linkage",
    })  # fmt: skip
    settings: ClassVar[type[LimitSettings]] = LimitSettings
    narrows: ClassVar[bool] = True

    def lacks(self, app: Application) -> str:
        """Need attackers who ask, without the model in their hands."""
        if not any(_asks(attacker) for attacker in app.attackers):
            return "no attacker asks questions over an account"
        return "" if self.candidates(app) else "nobody may ask more already"

    def candidates(self, app: Application) -> Sequence[LimitSettings]:
        """Try limits below what the fastest attacker may ask today."""
        rates = [a.power.budget.queries_per_day for a in app.attackers if _asks(a)]
        fastest = max(rates, default=0.0)
        return tuple(LimitSettings(per_day=n) for n in LIMITS if n < fastest)

    def apply(self, app: Application, settings: LimitSettings) -> Application:
        """Limit everybody who asks over an account."""
        limited = tuple(_limit(attacker, settings.per_day) for attacker in app.attackers)
        return replace(app, attackers=limited)


def _asks(attacker: Attacker) -> bool:
    power = attacker.power
    return power.budget.queries > 0 and power.knowledge.model is not Grade.FULL


def _limit(attacker: Attacker, per_day: int) -> Attacker:
    if not _asks(attacker):
        return attacker
    budget = attacker.power.budget
    rate = min(budget.queries_per_day, per_day)
    if not math.isfinite(rate):
        return attacker
    return replace(
        attacker, power=replace(attacker.power, budget=replace(budget, queries_per_day=rate))
    )
