"""Leave out words that few training texts use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import (
    NO_RECIPE,
    parameter_named,
    parameter_value,
    retrained,
    with_settings,
)
from goalkeeper.defences.base import RETRAINED, Defence, Settings

KEY = "min_df"  # what scikit-learn's vectorisers call it


class RareWordSettings(Settings):
    """Which words are left out."""

    texts: int = Field(default=5, ge=2, description="least number of texts that use a word")


class RareWords(Defence[RareWordSettings]):
    """A word that one person's texts alone use gives that person away."""

    about: ClassVar[str] = "leave out words that few training texts use, as they point to persons"
    works: ClassVar[str] = "words that few persons use give them away, and do not decide the class"
    price: ClassVar[str] = "rare words no longer help to recognise anything"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({
        "membership", "attribute", "inversion", "artefact_leak",
    })  # fmt: skip
    settings: ClassVar[type[RareWordSettings]] = RareWordSettings

    def lacks(self, app: Application) -> str:
        """Need a vectoriser of scikit-learn that counts the texts of each word."""
        if not isinstance(app.domain, TextDomain):
            return "its inputs are no texts"
        if app.trainer is None:
            return NO_RECIPE
        if not parameter_named(app, (KEY,)):
            return f"its recipe has no vectoriser with {KEY}"
        return "" if self.candidates(app) else "it leaves out more words already"

    def candidates(self, app: Application) -> Sequence[RareWordSettings]:
        """Try two limits."""
        own = parameter_value(app, parameter_named(app, (KEY,)))
        return tuple(RareWordSettings(texts=texts) for texts in (5, 20) if texts > own)

    def apply(self, app: Application, settings: RareWordSettings) -> Application:
        """Train again."""
        key = parameter_named(app, (KEY,))
        return retrained(app, with_settings(app, {key: settings.texts}))
