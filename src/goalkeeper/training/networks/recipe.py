"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.targets.torch import need_torch

# By which the held-out loss must fall to count as better: above the rounding of float32 losses,
# which differs between a network alone and the same one in a batch; both must stop alike.
MIN_IMPROVEMENT = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRecipe:
    """How a module is trained: cross-entropy over shuffled batches.

    Parameters
    ----------
    epochs
        Passes over the data; at most, where `patience` is given.
    batch
        Records a step.
    optimiser
        `adam`, `adamw` or `sgd`.
    rate
        Learning rate.
    momentum
        Of `sgd`.
    weight_decay
        Of the optimiser.
    schedule
        `constant`, or `cosine` down to 0 over all steps.
    flip
        Whether half of the images, redrawn in each epoch, are mirrored left to right.
    shift
        Images are moved by up to so many pixels each way, at random; 0 comes in from outside.
    patience
        Stop after so many epochs in which the loss on records held out did not fall, and keep the
        best parameters; 0: never stop early, hold nothing out.
    validation
        Share of the records that is held out for `patience`.
    """

    epochs: int = 20
    batch: int = 64
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    flip: bool = False
    shift: int = 0
    patience: int = 0
    validation: float = 0.1

    @property
    def augments(self) -> bool:
        """Whether inputs are images that are changed at random."""
        return self.flip or self.shift > 0

    def build_optimiser(self, parameters: Any) -> Any:
        """Return torch's optimiser."""
        optim = need_torch().optim
        if self.optimiser == "sgd":
            momentum, decay = self.momentum, self.weight_decay
            return optim.SGD(parameters, self.rate, momentum=momentum, weight_decay=decay)
        kind = optim.Adam if self.optimiser == "adam" else optim.AdamW
        return kind(parameters, self.rate, weight_decay=self.weight_decay)

    def learning_rates(self, steps: Ints, totals: Ints) -> Floats:
        """Return learning rates `(n,)` at the given steps of trainings of so many steps."""
        if self.schedule == "constant":
            return np.full(len(totals), self.rate)
        return np.asarray(self.rate * (1 + np.cos(np.pi * steps / totals)) / 2)
