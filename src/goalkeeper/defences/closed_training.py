"""Train on nothing that users or suppliers add."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.core.learning import Feedback
from goalkeeper.core.power import Attacker, Capability
from goalkeeper.defences._measures import (
    TRAINING,
    any_of,
    holds_everything,
    with_attackers,
    without,
)
from goalkeeper.defences.base import DESCRIBED, Defence, NoSettings

GIVEN = TRAINING | Capability.M4
WHAT = "nothing that users or suppliers add becomes training data"


class ClosedTraining(Defence[NoSettings]):
    """Who adds nothing to the training teaches nothing."""

    about: ClassVar[str] = "train on nothing that users mark or suppliers add"
    works: ClassVar[str] = (
        "the application itself can collect enough records whose labels are right"
    )
    price: ClassVar[str] = "the model no longer learns from its users"
    adaptive: ClassVar[str] = DESCRIBED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning", "teaching"})
    settings: ClassVar[type[NoSettings]] = NoSettings
    narrows: ClassVar[bool] = True

    def lacks(self, app: Application) -> str:
        """Need somebody who adds records, or feedback."""
        learns = app.feedback is not None and app.feedback.rounds > 0
        found = learns or any_of(app.attackers, _gives)
        return "" if found else "nobody outside adds to its training data"

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Take contributions from everybody but those who work on the application."""
        closed = with_attackers(app, _refuse, WHAT)
        return replace(closed, feedback=Feedback(share=0.0, rounds=0))


def _gives(attacker: Attacker) -> bool:
    return bool(attacker.power.capabilities.closed() & GIVEN) and not holds_everything(attacker)


def _refuse(attacker: Attacker) -> Attacker:
    return without(attacker, GIVEN) if _gives(attacker) else attacker
