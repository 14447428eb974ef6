"""Train on the records that the model itself fits best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Target, Trainer
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings


class TrimSettings(Settings):
    """How much is left out."""

    share: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of the records that is left out"
    )
    rounds: int = Field(
        default=5, ge=1, le=50, description="trainings at most, until the same records are kept"
    )


class TrimmedTraining(Defence[TrimSettings]):
    """Records that do not fit the rest have the largest losses, and are left out in turns.

    TRIM, here with the logarithmic loss of a classifier, from a first model of all records:
    Jagielski et al. 2018, Manipulating machine learning: poisoning attacks and countermeasures for
    regression learning, IEEE Symposium on Security and Privacy.
    """

    about: ClassVar[str] = (
        "train several times, each time without the records that the last model fits worst"
    )
    works: ClassVar[str] = (
        "the attacker's records contradict the others, and are no more than the share that is left "
        "out; records that fit well, as those with a trigger do, stay"
    )
    price: ClassVar[str] = (
        "rare but true records are left out as well, and training takes several times as long"
    )
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.AVAILABILITY, Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning", "teaching"})
    settings: ClassVar[type[TrimSettings]] = TrimSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, and scores."""
        if app.trainer is None:
            return NO_RECIPE
        return "" if app.target.offers >= View.SCORES else "the model gives no scores"

    def candidates(self, app: Application) -> Sequence[TrimSettings]:
        """Try two shares."""
        return tuple(TrimSettings(share=share) for share in (0.05, 0.15))

    def work(self, app: Application, settings: TrimSettings) -> float:
        """Count the rounds."""
        return 1.0 + settings.rounds

    def apply(self, app: Application, settings: TrimSettings) -> Application:
        """Train again."""
        trainer = trainer_of(app)
        words = f"trimmed (share={settings.share:g}, rounds={settings.rounds})"
        return retrained(app, PreparingTrainer(trainer, Trimmer(trainer, settings), words))


@dataclass(frozen=True, eq=False)
class Trimmer:
    """Leaves out the records of the largest loss, again and again."""

    trainer: Trainer
    settings: TrimSettings

    def __call__(self, data: Data, seed: int) -> Data:
        """Return the records that are kept, in their order; never none of a class."""
        rows, most = np.arange(len(data)), round((1 - self.settings.share) * len(data))
        for _ in range(self.settings.rounds):
            kept = _fitting(self.trainer.fit(data.take(rows), seed), data, most)
            if len(kept) == len(rows) and (kept == rows).all():
                break
            rows = kept
        return data.take(rows)


def _fitting(model: Target, data: Data, most: int) -> Ints:
    """List the rows of the smallest losses, so many, and the best one of each class."""
    shown = model.answer(data.x, View.SCORES).scores[np.arange(len(data)), data.y]
    order = np.argsort(-shown, kind="stable")
    _, first = np.unique(data.y[order], return_index=True)
    return np.union1d(order[:most], order[first])
