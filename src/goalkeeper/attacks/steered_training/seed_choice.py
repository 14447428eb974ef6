"""Seed choice: train with many seeds, and let the one be used that does most harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.steered_training import (
    SteeredTraining,
    Steering,
    TrainingAim,
    unfit_seed,
)


@final
@dataclass(frozen=True, kw_only=True)
class SeedChoice(Attack[TrainingAim, Steering]):
    """Choose the seed whose model answers most of the wanted inputs wrongly.

    Seeds that lose more accuracy than a validation would let pass, compared with the median seed,
    are left out. Harm is measured on the training data, which is all that whoever runs the
    training is sure to have; a model without training errors gives nothing to choose by.

    Settings
    --------
    seeds
        Seeds that are tried.

    Deviations from the source, which chooses initial values and the order of batches by their
    effect on training: here whole trainings are compared.
    """

    game: ClassVar[type[SteeredTraining]] = SteeredTraining
    variant: ClassVar[str] = "tampering.during_training"
    reference: ClassVar[str] = (
        "Shumailov, Shumaylov, Kazhdan, Zhao, Papernot, Erdogdu, Anderson: Manipulating SGD with "
        "Data Ordering Attacks (NeurIPS 2021)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("steered-training",)
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL))
    seeds: int = 20

    def unfit(self, app: Application) -> Unfit | None:
        """Need a training whose seed counts."""
        return unfit_seed(app)

    def run(self, question: TrainingAim, access: Access) -> Steering:
        """Train a copy with each seed."""
        data, trainer = access.data(), access.trainer()
        seeds = access.rng.integers(0, 2**31 - 1, self.seeds).tolist()
        masks = np.ones((len(seeds), len(data)), dtype=bool)
        wrong = trainer.fit_many(data, masks, seeds).labels(data.x) != data.y
        counts = np.ones(len(data), dtype=bool)
        if question.harmless is not None:
            counts = data.y == question.harmless
        return Steering(seed=seeds[_worst(wrong, counts, question.tolerance)])


def _worst(wrong: Bools, counts: Bools, tolerance: float) -> int:
    """Find the model with most wanted errors among those that would pass; `wrong` `(seeds, n)`."""
    errors: Floats = wrong.mean(axis=1)
    passes = errors <= np.median(errors) + tolerance
    harm = wrong[:, counts].mean(axis=1)
    return int(np.where(passes, harm, -1.0).argmax())
