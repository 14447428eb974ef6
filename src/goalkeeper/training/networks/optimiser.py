"""SGD, Adam and AdamW for many networks, step for step as torch's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.core.data import Ints
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks.recipe import TorchRecipe

if TYPE_CHECKING:
    from torch import Tensor

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # torch's defaults of Adam


class StackedOptimiser:
    """The state of G networks: `gradients` like the parameters, each `(G, ...)`, and step counts.

    With SGD they hold the momentum, too: gradients are added to `momentum` times what is there.
    """

    def __init__(
        self, recipe: TorchRecipe, parameters: Sequence[Tensor], total_steps: Ints
    ) -> None:
        torch = need_torch()
        self.recipe, self.total_steps = recipe, total_steps
        self.steps_taken = np.zeros(len(total_steps), dtype=np.int64)
        self.gradients = [torch.zeros_like(p) for p in parameters]
        adam = recipe.optimiser != "sgd"
        self.momentum = 0.0 if adam else recipe.momentum
        self._first_moments = [torch.zeros_like(p) for p in parameters] if adam else []
        self._second_moments = [torch.zeros_like(p) for p in parameters] if adam else []

    def step(self, parameters: Sequence[Tensor], count: int) -> None:
        """Update the first networks; `parameters` are each `(count, ...)`."""
        rates = self.recipe.learning_rates(self.steps_taken[:count], self.total_steps[:count])
        self.steps_taken[:count] += 1
        for i, values in enumerate(parameters):
            gradient, rate = self.gradients[i][:count], _broadcast(rates, values)
            if self.recipe.optimiser == "sgd":
                if self.recipe.weight_decay:
                    gradient.add_(values, alpha=self.recipe.weight_decay)
                _descend(values, gradient, rate)
            else:
                self._adam(i, values, gradient, rate)

    def _adam(self, i: int, values: Tensor, gradient: Tensor, rate: Tensor | float) -> None:
        """Take a step of Adam (Kingma and Ba, 2015, algorithm 1) in the order of torch's own."""
        decay, count = self.recipe.weight_decay, len(values)
        if decay and self.recipe.optimiser == "adamw":
            values.mul_(
                1 - rate * decay
            )  # decoupled from the gradient: Loshchilov and Hutter, 2019
        elif decay:
            gradient.add_(values, alpha=decay)
        first, second = self._first_moments[i][:count], self._second_moments[i][:count]
        first.lerp_(gradient, 1 - BETA_1)
        second.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
        # Both moments start at 0 and are too small at first by 1 - beta ** steps.
        steps = self.steps_taken[:count].astype(np.float64)
        shortfall_1, shortfall_2 = 1 - BETA_1**steps, 1 - BETA_2**steps
        size = second.sqrt().div_(_broadcast(np.sqrt(shortfall_2), values)).add_(EPSILON)
        values.sub_(first.div(size).mul_(rate / _broadcast(shortfall_1, values)))

    def select(self, keep: Tensor) -> None:
        """Keep some of the networks."""
        for state in (self.gradients, self._first_moments, self._second_moments):
            state[:] = [a[keep] for a in state]
        kept = keep.cpu().numpy()
        self.steps_taken, self.total_steps = self.steps_taken[kept], self.total_steps[kept]


def _broadcast(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], like: Tensor
) -> Tensor | float:
    """Make a number for each network ready to multiply `like`; one float where all agree."""
    if (values == values[0]).all():
        return float(values[0])
    ready: Tensor = like.new_tensor(values).view(-1, *[1] * (like.ndim - 1))
    return ready


def _descend(values: Tensor, gradient: Tensor, rate: Tensor | float) -> None:
    if isinstance(rate, float):
        values.add_(gradient, alpha=-rate)
    else:
        values.addcmul_(rate, gradient, value=-1)
