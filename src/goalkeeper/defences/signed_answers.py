"""Sign answers on their way, with a number against old ones."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.defences.base import DESCRIBED, Defence, NoSettings

SAFE = ("replay-protected", "in-process")


class SignedAnswers(Defence[NoSettings]):
    """An answer with a message authentication code and a number cannot be changed or repeated."""

    about: ClassVar[str] = "sign each answer with a number, so that a changed or old one is noticed"
    works: ClassVar[str] = (
        "the receiver checks each signature and number, and keeps the key to itself"
    )
    price: ClassVar[str] = "the surrounding system must check signatures, and keep a key"
    adaptive: ClassVar[str] = DESCRIBED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"output"})
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need answers that travel."""
        if app.wiring.channel in SAFE:
            return f"its answers are protected already (system.channel: {app.wiring.channel})"
        if not app.wiring.reactions and app.wiring.adapter is None:
            return "it is not said what the surrounding system does with an answer (wiring)"
        return ""

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Declare the channel as protected."""
        return replace(app, wiring=replace(app.wiring, channel=SAFE[0]))
