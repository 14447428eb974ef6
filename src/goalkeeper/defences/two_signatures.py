"""Let nobody change data or model alone."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker, Capability
from goalkeeper.defences._measures import (
    TRAINING,
    any_of,
    holds_everything,
    with_attackers,
    without,
)
from goalkeeper.defences.base import DESCRIBED, Defence, NoSettings

CHANGES = TRAINING | Capability.M3 | Capability.M4 | Capability.W
WHAT = "training data, stored inputs and the stored model change only with two signatures"


class TwoSignatures(Defence[NoSettings]):
    """Whoever works on an application cannot harm it alone where a second person must sign.

    Saltzer and Schroeder 1975, The protection of information in computer systems, Proceedings of
    the IEEE (separation of privilege).
    """

    about: ClassVar[str] = (
        "take changes of training data, stored inputs, training and stored model only with the "
        "signatures of two people"
    )
    works: ClassVar[str] = (
        "signatures are checked before each training and each start, and the two do not act "
        "together"
    )
    price: ClassVar[str] = "each change takes the time of a second person"
    adaptive: ClassVar[str] = DESCRIBED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({
        "poisoning", "teaching", "tampering", "evasion", "nonsense",
    })  # fmt: skip
    settings: ClassVar[type[NoSettings]] = NoSettings
    narrows: ClassVar[bool] = True

    def lacks(self, app: Application) -> str:
        """Need somebody who works on the application, and can change it."""
        found = any_of(app.attackers, _changes)
        return "" if found else "no attacker who knows data and model can change either alone"

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Take the changes from everybody who acts alone."""
        return with_attackers(app, _bind, WHAT)


def _changes(attacker: Attacker) -> bool:
    able = bool(attacker.power.capabilities.closed() & CHANGES)
    return holds_everything(attacker) and (able or attacker.writes == "stored")


def _bind(attacker: Attacker) -> Attacker:
    if not _changes(attacker):
        return attacker
    writes = "own" if attacker.writes == "stored" else attacker.writes
    return replace(without(attacker, CHANGES), writes=writes)
