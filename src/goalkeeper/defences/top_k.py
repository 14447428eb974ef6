"""Show the highest scores alone."""

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


class TopSettings(Settings):
    """How many scores are shown."""

    k: int = Field(default=1, ge=1, description="classes whose scores are shown; others get 0")


class TopK(Defence[TopSettings]):
    """The scores of unlikely classes say little of a record, and the highest says most.

    Of one score alone, a share of itself, only the class is left. Offered because many expect it to
    help. Choquette-Choo et al. 2021, Label-only membership
    inference attacks, ICML: masking scores does not protect against adaptive attackers.
    """

    about: ClassVar[str] = "show the highest scores alone, as shares of their sum"
    works: ClassVar[str] = (
        "an attack needs the scores of all classes, as one that solves equations for weights does"
    )
    price: ClassVar[str] = "users no longer see how likely the other classes are"
    adaptive: ClassVar[str] = BEHIND
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.CONFIDENTIALITY, Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({"extraction", "membership", "attribute"})
    settings: ClassVar[type[TopSettings]] = TopSettings

    def lacks(self, app: Application) -> str:
        """Need scores."""
        return "" if app.target.offers >= View.SCORES else "the model gives no scores"

    def candidates(self, app: Application) -> Sequence[TopSettings]:
        """Try three classes and one."""
        return tuple(TopSettings(k=k) for k in (3, 1) if k < len(app.classes))

    def apply(self, app: Application, settings: TopSettings) -> Application:
        """Answer behind the model."""
        compute = partial(keep_highest, k=settings.k)
        return behind(app, compute, f"highest scores (k={settings.k})")


def keep_highest(model: Target, x: Inputs, *, k: int) -> Floats:
    """Return scores `(n, classes)` of which the k highest are shown as shares of their sum.

    The class of the model is among them, whatever scores are as high.
    """
    answers = model.answer(x, View.SCORES)
    ranked = np.array(answers.scores)
    ranked[np.arange(len(ranked)), answers.labels] = np.inf
    highest = np.argsort(-ranked, axis=1, kind="stable")[:, :k]
    shown = np.zeros_like(answers.scores)
    np.put_along_axis(shown, highest, np.take_along_axis(answers.scores, highest, 1), 1)
    return np.asarray(shown / shown.sum(axis=1, keepdims=True))
