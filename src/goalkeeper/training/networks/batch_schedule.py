"""The schedule of one training: records in which order, changed how, and which are held out.

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


class ImageChanges(NamedTuple):
    """How images are changed: which are mirrored `(b,)`, and pixels down and right `(b, 2)`."""

    flips: Bools
    shifts: Ints


class BatchSchedule:
    """Which records each step of one training takes.

    Parameters
    ----------
    recipe
        How it is trained.
    rows
        The records that are trained on, as numbers `(n,)`.
    seed
        Of this training.
    order, y
        What somebody makes of the honest order in each epoch, and the class of every record.
    """

    def __init__(
        self,
        recipe: TorchRecipe,
        rows: Ints,
        seed: int,
        order: Order | None = None,
        y: Ints | None = None,
    ) -> None:
        self.recipe, self._rows, self._epoch = recipe, rows, 0
        # Streams of their own: whether images are changed or records held out moves no order.
        self._order_rng = np.random.default_rng(seed)
        self._change_rng = np.random.default_rng([seed, 1])
        self.held_out = rows[:0]
        if count := recipe.count_held_out(len(rows)):
            mixed = np.random.default_rng([seed, 2]).permutation(rows)
            self.held_out, self._rows = np.sort(mixed[:count]), np.sort(mixed[count:])
        self._steer = order if y is not None else None
        self._y = y

    @property
    def epoch_steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self._without_lone_record(self._rows)) // self.recipe.batch)

    @property
    def total_steps(self) -> int:
        """Steps of the training, if it is not stopped early."""
        return self.epoch_steps * self.recipe.epochs

    def epoch_order(self) -> Ints:
        """Return the records of the next epoch `(n,)`, in order; steps are cut from it."""
        drawn = self._order_rng.permutation(len(self._rows))
        if self._steer is not None and self._y is not None:
            drawn = np.asarray(self._steer(drawn, self._y[self._rows], self._epoch))
        self._epoch += 1
        return self._without_lone_record(self._rows[drawn])

    def epoch_batches(self) -> list[Ints]:
        """Return the records of each step of the next epoch."""
        rows = self.epoch_order()
        return [rows[i : i + self.recipe.batch] for i in range(0, len(rows), self.recipe.batch)]

    def draw_changes(self, count: int) -> ImageChanges:
        """Draw how the images of the next step are changed."""
        margin, size = self.recipe.shift, (count, 2)
        flips = self._change_rng.random(count) < (0.5 if self.recipe.flip else 0.0)
        return ImageChanges(flips, self._change_rng.integers(-margin, margin + 1, size))

    def _without_lone_record(self, rows: Ints) -> Ints:
        """Leave out a last step of a single record: batch normalisation cannot work on it."""
        lone = len(rows) > 1 and self.recipe.batch > 1 and len(rows) % self.recipe.batch == 1
        return rows[:-1] if lone else rows


def change_images(x: Tensor, changes: ImageChanges) -> Tensor:
    """Mirror and shift images `(b, channels, height, width)`; 0 comes in from outside."""
    torch = need_torch()
    down, right = (torch.as_tensor(changes.shifts[:, i], device=x.device) for i in (0, 1))
    flips = torch.as_tensor(changes.flips, device=x.device)
    margin = int(np.abs(changes.shifts).max(initial=0))
    height, width = x.shape[2:]
    # The pixel that comes to each place is looked up in the padded image: one gather for all.
    padded = torch.nn.functional.pad(x, (margin, margin, margin, margin))
    columns = torch.arange(width, device=x.device)
    columns = torch.where(flips[:, None], width - 1 - columns, columns) - right[:, None] + margin
    rows = torch.arange(height, device=x.device) - down[:, None] + margin
    places = torch.arange(len(x), device=x.device)[:, None, None]
    pixels: Tensor = padded[places, :, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)
