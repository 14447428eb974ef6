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
MOST_GUARDS = 500  # records on which each epoch of adversarial training is attacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """How the inputs of each step are changed against the model: adversarial training.

    Projected gradient ascent from a random start: Madry et al. 2018, Towards deep learning models
    resistant to adversarial attacks, ICLR. With few steps, as with the single one of Wong, Rice,
    Kolter 2020, Fast is better than free, ICLR, a network may suddenly learn to withstand these
    steps alone. So after each epoch records held out are attacked with more steps, and the
    parameters that withstood best are kept.

    Parameters
    ----------
    radius
        Most change of a value.
    low, high
        Range of values.
    steps
        Gradient steps for each batch.
    warm_up
        Share of the training in which the radius grows from 0: networks that meet a large one from
        the beginning often learn to answer one class.
    guard_steps
        Gradient steps against the records held out, at the whole radius.
    """

    radius: float
    low: float = 0.0
    high: float = 1.0
    steps: int = 3
    warm_up: float = 0.3
    guard_steps: int = 10

    def radius_at(self, progress: float) -> float:
        """Return the radius at a share of the training, from 0 to 1."""
        return self.radius * min(1.0, progress / self.warm_up) if self.warm_up else self.radius


def step_share(steps: int) -> float:
    """Return the length of each of so many steps, as a share of the radius.

    Together they go a little further than the radius. Longer ones end in the corners of the ball,
    and a network that has met these alone fails inside. 1.25 radii of a single step are those of
    Wong et al. 2020.
    """
    return min(1.25, 1.5 / steps)


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
        Share of the records that is held out for `patience`; of those that `perturbation` holds
        out, 500 at most.
    perturbation
        How inputs are changed against the model in each step; None: not at all.
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
    perturbation: Perturbation | None = None

    def count_held_out(self, records: int) -> int:
        """Count how many of the records are held out; 0 where none is needed."""
        if records < 2 or not (self.patience or self.perturbation):
            return 0
        count = min(max(1, round(self.validation * records)), records - 1)
        return count if self.patience else min(count, MOST_GUARDS)

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
