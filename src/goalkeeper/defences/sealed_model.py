"""Keep the model out of everybody's reach."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker, Grade, View
from goalkeeper.defences._measures import any_of, with_attackers
from goalkeeper.defences.base import DESCRIBED, Defence, NoSettings

WHAT = "the stored model is encrypted, and only the service that answers can read it"


class SealedModel(Defence[NoSettings]):
    """Who has no model can only ask, and asking shows more and takes longer."""

    about: ClassVar[str] = (
        "keep the stored model encrypted for the service that answers, so that nobody holds it"
    )
    works: ClassVar[str] = (
        "the service runs where its users and operators cannot read its memory, such as in a "
        "sealed chip or a confidential virtual machine"
    )
    price: ClassVar[str] = "the model cannot run without the service, and errors are harder to find"
    adaptive: ClassVar[str] = DESCRIBED
    goals: ClassVar[frozenset[Goal]] = frozenset(Goal)
    families: ClassVar[frozenset[str]] = frozenset({
        "artefact_leak", "extraction", "internals", "inversion", "membership", "attribute",
        "property", "evasion",
    })  # fmt: skip
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need somebody who has the model."""
        return "" if any_of(app.attackers, _holds) else "no attacker has the model"

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Leave its answers to everybody, and their scores to those who had more."""
        return with_attackers(app, _take_model, WHAT)


def _holds(attacker: Attacker) -> bool:
    return attacker.power.knowledge.model is not Grade.NONE


def _take_model(attacker: Attacker) -> Attacker:
    if not _holds(attacker):
        return attacker
    power = attacker.power
    known = replace(power.knowledge, model=Grade.NONE)
    return replace(
        attacker, power=replace(power, knowledge=known, view=min(power.view, View.SCORES))
    )
