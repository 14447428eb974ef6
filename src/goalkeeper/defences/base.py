"""What a defence is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal

__all__ = ["Defence", "NoSettings", "Settings"]

# How an attacker who knows the defence is taken into account.
RETRAINED = (
    "whoever trains the model trains with the defence: the games that retrain it, and an attacker "
    "who knows the recipe, whose shadow models are defended as the target is"
)
BEHIND = (
    "every attack gets the answers that the defence gives, and an attacker who knows the recipe "
    "puts the same defence before the models that it trains itself"
)
GRANTED = (
    "every attack runs with what the defence leaves to its attacker; what takes more time for it "
    "costs attack potential"
)
DESCRIBED = (
    "the games test the application as it is described with the defence; that it is in force in "
    "use is assumed"
)


class Settings(BaseModel):
    """The settings of a defence, as an application file states them; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoSettings(Settings):
    """The settings of a defence that has nothing to choose."""


AnySettings = TypeVar("AnySettings", bound=Settings)


class Defence(ABC, Generic[AnySettings]):
    """A change of an application that is meant to protect a goal. Final, made without arguments.

    A defence returns an ordinary application. Where it changes the training, the trainer of that
    application includes it, so that every game that retrains the model replays the defence, and an
    attacker who knows the recipe knows the defence as well. Nothing about a defence is secret.

    Class attributes
    ----------------
    about
        What it does, in one sentence that starts in lower case and has no full stop.
    works
        Under which condition it works, in one sentence of the same form.
    price
        What it costs: what usually becomes worse, in one sentence of the same form.
    adaptive
        How an attacker who knows it is taken into account, in one sentence of the same form: often
        one of those of this module.
    goals
        The goals that it is meant to protect.
    families
        The families of attacks that it is meant to stop.
    settings
        What can be chosen; every field has a default and a description.
    narrows
        Whether it does nothing but take from attackers what they can do: the model, its training,
        its answers and what is known of them stay as they are, so that no attack becomes easier.
        (What an attacker was given no longer counts as no harm once it is taken away, as with the
        model itself. A defence that takes knowledge is none of these.)
    """

    about: ClassVar[str]
    works: ClassVar[str]
    price: ClassVar[str]
    adaptive: ClassVar[str]
    goals: ClassVar[frozenset[Goal]]
    families: ClassVar[frozenset[str]]
    settings: ClassVar[type[Any]]
    narrows: ClassVar[bool] = False

    @abstractmethod
    def lacks(self, app: Application) -> str:
        """Say what an application does not have that this defence needs; empty if it has all."""

    def candidates(self, app: Application) -> Sequence[AnySettings]:
        """List the settings to try on an application, the mildest first (default: the defaults)."""
        return (self.settings(),)

    def work(self, app: Application, settings: AnySettings) -> float:
        """Say how many times as long as before a training takes, roughly (default: as long)."""
        return 1.0

    @abstractmethod
    def apply(self, app: Application, settings: AnySettings) -> Application:
        """Return the defended application; `lacks` must be empty for `app`.

        Raises
        ------
        DataError, TargetError
            The defended model cannot be trained.
        """
