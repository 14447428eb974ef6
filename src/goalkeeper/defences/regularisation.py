"""Train with stronger regularisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import Setting, find_settings, with_setting

INVERSE = ("C",)  # regularises less the larger it is; all others regularise more


class RegularisationSettings(Settings):
    """How much stronger."""

    factor: float = Field(default=10.0, gt=1, description="how many times as strong")


class Regularisation(Defence[RegularisationSettings]):
    """A model that is held closer to zero remembers less of single records.

    Yeom et al. 2018, Privacy risk in machine learning (overfitting suffices for membership
    inference).
    """

    about: ClassVar[str] = "train with stronger regularisation, so that single records count less"
    works: ClassVar[str] = "the model fits its training records better than others"
    price: ClassVar[str] = "too much of it costs accuracy"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY, Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({
        "membership", "attribute", "inversion", "property", "evasion",
    })  # fmt: skip
    settings: ClassVar[type[RegularisationSettings]] = RegularisationSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe with a strength of regularisation."""
        if app.trainer is None:
            return NO_RECIPE
        found = _strength(app)
        return "" if found else "its recipe has no strength of regularisation that is known here"

    def candidates(self, app: Application) -> Sequence[RegularisationSettings]:
        """Try three strengths, a factor of ten apart."""
        return tuple(RegularisationSettings(factor=factor) for factor in (10.0, 100.0, 1000.0))

    def apply(self, app: Application, settings: RegularisationSettings) -> Application:
        """Train again."""
        setting = _strength(app)
        if setting is None:
            raise TargetError(self.lacks(app))
        inverse = setting.key.rpartition("__")[2] in INVERSE
        value = setting.own / settings.factor if inverse else setting.own * settings.factor
        return retrained(app, with_setting(trainer_of(app), setting, value))


def _strength(app: Application) -> Setting | None:
    if app.trainer is None:
        return None
    kinds = ("regularisation", "smoothing")
    return next((s for s in find_settings(app.trainer) if s.kind in kinds), None)
