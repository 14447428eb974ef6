"""Batch order: show one class last in every pass over the training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.steered_training._orders import classes_to_put_last
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Ints
from goalkeeper.games.steered_training import (
    SteeredTraining,
    Steering,
    TrainingAim,
    unfit_order,
)


@final
@dataclass(frozen=True, kw_only=True)
class BatchOrder(Attack[TrainingAim, Steering]):
    """Order the records so that the last steps of every pass see no harmless record.

    What is learnt last counts most. Records, labels and what is computed of them stay as they
    are, so that nothing in the data shows it.

    Deviations from the source: records are ordered by class, not by their loss on a surrogate
    model, which needs no knowledge of the data beyond the labels.
    """

    game: ClassVar[type[SteeredTraining]] = SteeredTraining
    variant: ClassVar[str] = "tampering.during_training"
    reference: ClassVar[str] = (
        "Shumailov, Shumaylov, Kazhdan, Zhao, Papernot, Erdogdu, Anderson: Manipulating SGD with "
        "Data Ordering Attacks (NeurIPS 2021)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("steered-training",)

    def unfit(self, app: Application) -> Unfit | None:
        """Need a training in steps whose order counts."""
        return unfit_order(app)

    def run(self, question: TrainingAim, access: Access) -> Steering:
        """Put the records of the other classes last."""
        last = classes_to_put_last(question)

        def order(honest: Ints, labels: Ints, epoch: int) -> Ints:
            late = last[labels[honest]]
            return np.concatenate([honest[~late], honest[late]])

        return Steering(order=order)
