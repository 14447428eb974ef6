"""The course of one training: which records in which order, changed how, and which are held out.

It is the same whether a network is trained alone or with others, and depends on its seed only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.steering import Order
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks.recipe import TorchRecipe

if TYPE_CHECKING:
    from torch import Tensor


class Moves(NamedTuple):
    """How images are changed: which are mirrored `(b,)`, and pixels down and right `(b, 2)`."""

    flips: Bools
    shifts: Ints


class Course:
    """The course of one training.

    Parameters
    ----------
    how
        The recipe.
    rows
        The records that are trained on, as numbers `(n,)`.
    seed
        Of this training.
    order, y
        What somebody makes of the honest order in each epoch, told the class of every record.
    """

    def __init__(
        self,
        how: TorchRecipe,
        rows: Ints,
        seed: int,
        order: Order | None = None,
        y: Ints | None = None,
    ) -> None:
        self.how, self._rows, self._epoch = how, rows, 0
        self._rng = np.random.default_rng(seed)
        self._moving = np.random.default_rng([seed, 1])
        self.held = rows[:0]
        if how.patience and len(rows) > 1:
            mixed = np.random.default_rng([seed, 2]).permutation(rows)
            count = min(max(1, round(how.validation * len(rows))), len(rows) - 1)
            self.held, self._rows = np.sort(mixed[:count]), np.sort(mixed[count:])
        self._steering = order if y is not None else None
        self._y = y

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self._whole(self._rows)) // self.how.batch)

    @property
    def total(self) -> int:
        """Steps of the training, if it is not stopped early."""
        return self.steps * self.how.epochs

    def order(self) -> Ints:
        """Return the records of the next epoch `(n,)`, in order; steps are cut from it."""
        drawn = self._rng.permutation(len(self._rows))
        if self._steering is not None and self._y is not None:
            drawn = np.asarray(self._steering(drawn, self._y[self._rows], self._epoch))
        self._epoch += 1
        return self._whole(self._rows[drawn])

    def batches(self) -> list[Ints]:
        """Return the records of each step of the next epoch."""
        rows = self.order()
        return [rows[i : i + self.how.batch] for i in range(0, len(rows), self.how.batch)]

    def moves(self, count: int) -> Moves:
        """Draw how the images of the next step are changed."""
        reach, size = self.how.shift, (count, 2)
        flips = self._moving.random(count) < (0.5 if self.how.flip else 0.0)
        return Moves(flips, self._moving.integers(-reach, reach + 1, size))

    def _whole(self, rows: Ints) -> Ints:
        """Leave out a last step of a single record: batch normalisation cannot work on it."""
        lone = len(rows) > 1 and self.how.batch > 1 and len(rows) % self.how.batch == 1
        return rows[:-1] if lone else rows


def moved(x: Tensor, moves: Moves) -> Tensor:
    """Mirror and shift images `(b, channels, height, width)`; 0 comes in from outside."""
    torch = need_torch()
    down, right = (torch.as_tensor(moves.shifts[:, i], device=x.device) for i in (0, 1))
    flips = torch.as_tensor(moves.flips, device=x.device)
    reach = int(np.abs(moves.shifts).max(initial=0))
    height, width = x.shape[2:]
    wide = torch.nn.functional.pad(x, (reach, reach, reach, reach))
    columns = torch.arange(width, device=x.device)
    columns = torch.where(flips[:, None], width - 1 - columns, columns) - right[:, None] + reach
    rows = torch.arange(height, device=x.device) - down[:, None] + reach
    places = torch.arange(len(x), device=x.device)[:, None, None]
    taken: Tensor = wide[places, :, rows[:, :, None], columns[:, None, :]]
    return taken.permute(0, 3, 1, 2)
