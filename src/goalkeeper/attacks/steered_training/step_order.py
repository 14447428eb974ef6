"""Step order: exchange a few records between steps, so that the last ones see one class only."""

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
class StepOrder(Attack[TrainingAim, Steering]):
    """Exchange harmless records near the end of every pass for others from its beginning.

    Only as many places are touched as the attacker influences, two for each exchange.

    Deviations from the source: the attacker there orders everything; here a share of the places.
    """

    game: ClassVar[type[SteeredTraining]] = SteeredTraining
    variant: ClassVar[str] = "tampering.training_steps"
    reference: ClassVar[str] = (
        "Shumailov, Shumaylov, Kazhdan, Zhao, Papernot, Erdogdu, Anderson: Manipulating SGD with "
        "Data Ordering Attacks (NeurIPS 2021)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("steered-training",)

    def unfit(self, app: Application) -> Unfit | None:
        """Need a training in steps whose order counts."""
        return unfit_order(app)

    def run(self, question: TrainingAim, access: Access) -> Steering:
        """Exchange as many records as may be."""
        last, share = classes_to_put_last(question), access.granted.budget.share

        def order(honest: Ints, labels: Ints, epoch: int) -> Ints:
            late = last[labels[honest]]
            most = int(share * len(honest)) // 2
            early_late = np.flatnonzero(late)
            late_early = np.flatnonzero(~late)[::-1]
            size = min(most, len(early_late), len(late_early))
            first, second = early_late[:size], late_early[:size]
            useful = first < second  # only what moves the wanted class towards the end
            steered = honest.copy()
            steered[first[useful]] = honest[second[useful]]
            steered[second[useful]] = honest[first[useful]]
            return steered

        return Steering(order=order)
