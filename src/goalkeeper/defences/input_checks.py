"""Refuse what is no input of the described kind."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.defences._measures import ASSUMED
from goalkeeper.defences.base import DESCRIBED, Defence, NoSettings

WHAT = "inputs outside the described kind are refused before the model answers"


class InputChecks(Defence[NoSettings]):
    """What a model was not made for does not reach it."""

    about: ClassVar[str] = (
        "refuse inputs that have not the described type, size and range before the model answers"
    )
    works: ClassVar[str] = (
        "no way to the model leads past the check, and the description says what inputs are like"
    )
    price: ClassVar[str] = (
        "an input that was cut off or damaged gets an error in place of an answer"
    )
    adaptive: ClassVar[str] = DESCRIBED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({"nonsense"})
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need inputs that nothing checks."""
        checked = app.wiring.validates
        return "its inputs are checked already (system.validates)" if checked else ""

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Declare the check."""
        wiring = replace(app.wiring, validates=True)
        return replace(app, wiring=wiring, caveats=(*app.caveats, ASSUMED.format(what=WHAT)))
