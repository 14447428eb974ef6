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

FIRST, SECOND, EPS = 0.9, 0.999, 1e-8  # torch's defaults of Adam


class Optimiser:
    """The state of G networks: `slopes` like the parameters, each `(G, ...)`, and step counts.

    With SGD the slopes are the momentum: gradients are added to `kept` times what is there.
    """

    def __init__(self, how: TorchRecipe, parameters: Sequence[Tensor], totals: Ints) -> None:
        torch = need_torch()
        self.how, self.totals = how, totals
        self.taken = np.zeros(len(totals), dtype=np.int64)
        self.slopes = [torch.zeros_like(p) for p in parameters]
        adam = how.optimiser != "sgd"
        self.kept = 0.0 if adam else how.momentum
        self._one = [torch.zeros_like(p) for p in parameters] if adam else []
        self._two = [torch.zeros_like(p) for p in parameters] if adam else []

    def step(self, parameters: Sequence[Tensor], count: int) -> None:
        """Update the first networks; `parameters` are each `(count, ...)`, slopes are ready."""
        rates = self.how.rates(self.taken[:count], self.totals[:count])
        self.taken[:count] += 1
        for i, now in enumerate(parameters):
            slope, rate = self.slopes[i][:count], _each(rates, now)
            if self.how.optimiser == "sgd":
                if self.how.weight_decay:
                    slope.add_(now, alpha=self.how.weight_decay)
                _move(now, slope, rate)
            else:
                self._adam(i, now, slope, rate)

    def _adam(self, i: int, now: Tensor, slope: Tensor, rate: Tensor | float) -> None:
        decay, count = self.how.weight_decay, len(now)
        if decay and self.how.optimiser == "adamw":
            now.mul_(1 - rate * decay)
        elif decay:
            slope.add_(now, alpha=decay)
        one, two = self._one[i][:count], self._two[i][:count]
        one.lerp_(slope, 1 - FIRST)
        two.mul_(SECOND).addcmul_(slope, slope, value=1 - SECOND)
        bias = [1 - share ** self.taken[:count].astype(np.float64) for share in (FIRST, SECOND)]
        size = two.sqrt().div_(_each(np.sqrt(bias[1]), now)).add_(EPS)
        now.sub_(one.div(size).mul_(rate / _each(bias[0], now)))

    def only(self, keep: Tensor) -> None:
        """Keep some of the networks."""
        for state in (self.slopes, self._one, self._two):
            state[:] = [a[keep] for a in state]
        chosen = keep.cpu().numpy()
        self.taken, self.totals = self.taken[chosen], self.totals[chosen]


def _each(values: np.ndarray[tuple[int], np.dtype[np.float64]], like: Tensor) -> Tensor | float:
    """Make a number for each network ready to multiply `like`; one float where all agree."""
    if (values == values[0]).all():
        return float(values[0])
    ready: Tensor = like.new_tensor(values).view(-1, *[1] * (like.ndim - 1))
    return ready


def _move(now: Tensor, slope: Tensor, rate: Tensor | float) -> None:
    if isinstance(rate, float):
        now.add_(slope, alpha=-rate)
    else:
        now.addcmul_(rate, slope, value=-1)
