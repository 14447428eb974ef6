"""Round scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._answers import behind
from goalkeeper.defences.base import BEHIND, Defence, Settings


class RoundingSettings(Settings):
    """How coarse."""

    decimals: int = Field(default=2, ge=0, le=6, description="decimal places that are shown")


class Rounding(Defence[RoundingSettings]):
    """Fewer decimals hide little: what they hide, classes and other inputs show.

    Offered because many expect it to help. Choquette-Choo et al. 2021, Label-only membership
    inference attacks, ICML: masking scores does not protect against adaptive attackers.
    """

    about: ClassVar[str] = "round the scores that are shown"
    works: ClassVar[str] = (
        "an attack needs many digits, as one that solves equations for weights does"
    )
    price: ClassVar[str] = "close scores look equal"
    adaptive: ClassVar[str] = BEHIND
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.CONFIDENTIALITY, Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({"extraction", "membership", "attribute"})
    settings: ClassVar[type[RoundingSettings]] = RoundingSettings

    def lacks(self, app: Application) -> str:
        """Need scores."""
        return "" if app.target.offers >= View.SCORES else "the model gives no scores"

    def candidates(self, app: Application) -> Sequence[RoundingSettings]:
        """Try two and one decimal places."""
        return tuple(RoundingSettings(decimals=decimals) for decimals in (2, 1))

    def apply(self, app: Application, settings: RoundingSettings) -> Application:
        """Answer behind the model."""
        compute = partial(round_scores, decimals=settings.decimals)
        return behind(app, compute, f"rounded scores (decimals={settings.decimals})")


def round_scores(model: Target, x: Inputs, *, decimals: int) -> Floats:
    """Return scores `(n, classes)` with so many decimals, which again sum to 1.

    The class of the model stays the highest: it is raised by the least that makes it so.
    """
    answers = model.answer(x, View.SCORES)
    rounded = np.round(answers.scores, decimals)
    rows = np.arange(len(rounded))
    rounded[rows, answers.labels] = np.nextafter(rounded.max(axis=1, initial=0.0), 2)
    return np.asarray(rounded / rounded.sum(axis=1, keepdims=True))
