"""Leave out training records whose label the others contradict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Trainer
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.errors import DataError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings


class CleaningSettings(Settings):
    """How records are judged."""

    folds: int = Field(default=5, ge=2, le=20, description="parts, each judged by the others")
    least: float = Field(
        default=0.9,
        gt=0.5,
        lt=1,
        description="score of another class above which a record's own label is not believed",
    )


class LabelCleaning(Defence[CleaningSettings]):
    """A wrong label stands out where the rest of the data outvotes it.

    Northcutt, Jiang and Chuang 2021, Confident learning: estimating uncertainty in dataset labels,
    JAIR 70.
    """

    about: ClassVar[str] = (
        "leave out training records whose label is contradicted by a model of the others"
    )
    works: ClassVar[str] = (
        "wrong labels are few, and similar records with right labels outnumber them"
    )
    price: ClassVar[str] = "rare but true records may be left out as well"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.AVAILABILITY, Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning", "teaching"})
    settings: ClassVar[type[CleaningSettings]] = CleaningSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe."""
        return NO_RECIPE if app.trainer is None else ""

    def candidates(self, app: Application) -> Sequence[CleaningSettings]:
        """Try a certain and a less certain contradiction."""
        return tuple(CleaningSettings(least=least) for least in (0.9, 0.7))

    def work(self, app: Application, settings: CleaningSettings) -> float:
        """Count the folds."""
        return 1.0 + settings.folds

    def apply(self, app: Application, settings: CleaningSettings) -> Application:
        """Train again."""
        trainer = trainer_of(app)
        words = f"cleaned labels (folds={settings.folds}, least={settings.least:g})"
        prepare = LabelCleaner(trainer, settings)
        return retrained(app, PreparingTrainer(trainer, prepare, words))


@dataclass(frozen=True, eq=False)
class LabelCleaner:
    """Leaves out the records whose label models of the other folds contradict."""

    trainer: Trainer
    settings: CleaningSettings

    def __call__(self, data: Data, seed: int) -> Data:
        """Return the records that are believed; all, where that would leave a class empty."""
        kept = self.believed(data, seed)
        complete = len(np.unique(data.y[kept])) == len(np.unique(data.y))
        return data.take(kept) if complete else data

    def believed(self, data: Data, seed: int) -> Bools:
        """Return which records `(n,)` no model of the other folds contradicts with certainty."""
        folds = np.random.default_rng(seed).permutation(np.arange(len(data)) % self.settings.folds)
        masks = folds != np.arange(self.settings.folds)[:, None]
        try:
            models = self.trainer.fit_many(data, masks, [seed] * len(masks))
        except DataError:  # a fold without one of the classes
            return np.ones(len(data), dtype=bool)
        every = models.scores(data.x)
        scores = every[folds, np.arange(len(data))].copy()
        scores[np.arange(len(data)), data.y] = 0
        return np.asarray(scores.max(axis=1) < self.settings.least)
