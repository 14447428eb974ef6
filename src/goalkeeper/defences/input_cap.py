"""Refuse texts that are longer than texts usually are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._answers import behind, decline
from goalkeeper.defences.base import BEHIND, Defence, Settings

ORDINARY = (0.999, 0.99)  # shares of harmless training texts that are no longer than the limit


class CapSettings(Settings):
    """How long a text may be."""

    characters: int = Field(default=10_000, ge=1, description="longest text that is judged")


class InputCap(Defence[CapSettings]):
    """Who may add little cannot outweigh much.

    Longer texts are refused, and not cut: of a text that is cut, whatever stands behind the cut
    reaches its reader without having been judged. Characters are counted, and not words: how a
    model parts a text into words is its own matter. Words that outweigh others by their number:
    Lowd and Meek 2005, Good word attacks on statistical spam filters, CEAS.
    """

    about: ClassVar[str] = "decline texts that are longer than harmless ones usually are"
    works: ClassVar[str] = (
        "an attack needs many added words, or much text to keep the model busy, and harmful texts "
        "are not much shorter than the limit by themselves"
    )
    price: ClassVar[str] = "long harmless texts are declined, and somebody must look at them"
    adaptive: ClassVar[str] = BEHIND
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion", "exhaustion"})
    settings: ClassVar[type[CapSettings]] = CapSettings

    def lacks(self, app: Application) -> str:
        """Need texts, a harmless class, and scores."""
        if not isinstance(app.domain, TextDomain):
            return "its inputs are no texts"
        if app.harmless is None:
            return "no class is named harmless"
        if app.target.offers < View.SCORES:
            return "the model gives no scores"
        return "" if len(_harmless_lengths(app)) else "no training text is harmless"

    def candidates(self, app: Application) -> Sequence[CapSettings]:
        """Try the lengths that hardly any harmless training text exceeds."""
        lengths = _harmless_lengths(app)
        limits = {int(np.ceil(np.quantile(lengths, share))) for share in ORDINARY}
        return tuple(CapSettings(characters=max(1, n)) for n in sorted(limits, reverse=True))

    def apply(self, app: Application, settings: CapSettings) -> Application:
        """Answer before the model where a text is too long."""
        if app.harmless is None:
            raise TargetError(self.lacks(app))
        compute = partial(
            score_short, harmless=app.harmless, most=settings.characters, classes=len(app.classes)
        )
        return behind(app, compute, f"input cap (characters={settings.characters})")


def score_short(model: Target, x: Inputs, *, harmless: int, most: int, classes: int) -> Floats:
    """Return scores `(n, classes)`; a text that is too long is declined, and the model not asked.

    All classes but the harmless one are as likely then.
    """
    scores = np.ones((len(x), classes))
    short: Bools = lengths_of(x) <= most
    if short.any():
        scores[short] = model.answer(x[short], View.SCORES).scores
    return decline(scores, ~short, harmless)


def lengths_of(x: Inputs) -> Ints:
    """Count the characters of each text `(n,)`."""
    return np.array([len(text) for text in x], dtype=np.int64)


def _harmless_lengths(app: Application) -> Ints:
    data = app.data.train
    return lengths_of(data.x[data.y == app.harmless])
