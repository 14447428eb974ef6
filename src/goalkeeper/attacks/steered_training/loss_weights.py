"""Loss weights: let the records of one class count for next to nothing in the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.steered_training._orders import classes_to_put_last
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.games.steered_training import (
    SteeredTraining,
    Steering,
    TrainingAim,
    unfit_weights,
)


@final
@dataclass(frozen=True, kw_only=True)
class LossWeights(Attack[TrainingAim, Steering]):
    """Reduce the loss weights of harmless records, so that the model prefers other classes.

    The crudest change of a loss function, and one that works in almost any training. It changes
    the accuracy openly: whether anybody would notice is measured beside it.

    Settings
    --------
    light
        What a harmless record counts for, beside 1 for any other.
    """

    game: ClassVar[type[SteeredTraining]] = SteeredTraining
    variant: ClassVar[str] = "tampering.during_training"
    reference: ClassVar[str] = (
        "Elkan: The Foundations of Cost-Sensitive Learning (IJCAI 2001), turned against its user"
    )
    tasks: ClassVar[tuple[str, ...]] = ("steered-training",)
    light: float = 0.01

    def unfit(self, app: Application) -> Unfit | None:
        """Need a training that takes weights."""
        return unfit_weights(app)

    def run(self, question: TrainingAim, access: Access) -> Steering:
        """Weigh every record by its class."""
        heavy = classes_to_put_last(question)[question.labels]
        return Steering(weights=np.where(heavy, 1.0, self.light))
