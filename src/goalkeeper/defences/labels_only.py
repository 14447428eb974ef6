"""Answer with the class alone."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker, Grade, View
from goalkeeper.defences.base import GRANTED, Defence, NoSettings


class LabelsOnly(Defence[NoSettings]):
    """A class says less than a score, though much can be learnt from many classes.

    Tramer et al. 2016, Stealing machine learning models via prediction APIs, USENIX Security.
    """

    about: ClassVar[str] = "answer with the class alone, without scores"
    works: ClassVar[str] = "the attack needs scores, and nobody who uses the application does"
    price: ClassVar[str] = "users no longer see how certain an answer is"
    adaptive: ClassVar[str] = GRANTED
    goals: ClassVar[frozenset[Goal]] = frozenset({
        Goal.CONFIDENTIALITY, Goal.PRIVACY, Goal.INTEGRITY, Goal.AVAILABILITY,
    })  # fmt: skip
    families: ClassVar[frozenset[str]] = frozenset({
        "extraction", "internals", "membership", "attribute", "inversion", "evasion",
        "property", "linkage",
    })  # fmt: skip
    settings: ClassVar[type[NoSettings]] = NoSettings
    narrows: ClassVar[bool] = True

    def lacks(self, app: Application) -> str:
        """Need attackers who are shown more."""
        shown = any(_sees_more(attacker) for attacker in app.attackers)
        return "" if shown else "no attacker without the model is shown more than the class"

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Show everybody who does not have the model itself the class alone."""
        return replace(app, attackers=tuple(map(_show_labels, app.attackers)))


def _sees_more(attacker: Attacker) -> bool:
    power = attacker.power
    return power.view > View.LABELS and power.knowledge.model is not Grade.FULL


def _show_labels(attacker: Attacker) -> Attacker:
    if not _sees_more(attacker):
        return attacker
    return replace(attacker, power=replace(attacker.power, view=View.LABELS))
