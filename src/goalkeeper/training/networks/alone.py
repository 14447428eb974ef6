"""Train one module by a recipe: what every faster way is held against."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import GoalkeeperError, TargetError
from goalkeeper.targets.torch import need_torch, two_columns
from goalkeeper.training.networks.course import Course, moved
from goalkeeper.training.networks.recipe import MARGIN, TorchRecipe

if TYPE_CHECKING:
    from torch import Tensor, nn


class Alone:
    """One module that is being trained.

    Parameters
    ----------
    how
        The recipe.
    module
        Untrained, on the device where it is trained.
    records
        Inputs `(n, ...)` and their classes `(n,)` as tensors on that device.
    classes
        How many classes there are.
    half
        Whether products are computed in bfloat16.
    """

    def __init__(
        self,
        how: TorchRecipe,
        module: nn.Module,
        records: tuple[Tensor, Tensor],
        classes: int,
        *,
        half: bool = False,
    ) -> None:
        self.how, self.module, self.classes, self.half = how, module, classes, half
        self.x, self.y = records

    def run(self, course: Course, weights: Floats | None = None) -> None:
        """Train to the end; `weights (n,)` multiply the loss of each record."""
        torch = need_torch()
        scale = None
        if weights is not None:
            scale = torch.as_tensor(weights, dtype=torch.float32, device=self.x.device)
        optimiser = self.how.optimiser_of(self.module.parameters())
        lowest, waited, taken, best = np.inf, 0, 0, None
        for _ in range(self.how.epochs):
            self.module.train()
            for rows in course.batches():
                rate = self.how.rates(np.array([taken]), np.array([course.total]))
                self._step(optimiser, float(rate[0]), rows, course, scale)
                taken += 1
            if not self.how.patience:
                continue
            loss = self._validation(course.held)
            waited += 1
            if not loss >= lowest - MARGIN:  # a loss that is no number is kept, and seen
                lowest, waited, best = loss, 0, copy.deepcopy(self.module.state_dict())
            if waited >= self.how.patience:
                break
        if best is not None:
            self.module.load_state_dict(best)

    def _step(
        self, optimiser: Any, rate: float, rows: Ints, course: Course, scale: Tensor | None
    ) -> None:
        index = need_torch().as_tensor(rows, device=self.x.device)
        x = self.x.index_select(0, index)
        if self.how.augments:
            x = moved(x, course.moves(len(rows)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        loss = self._loss(x, self.y[index])
        (loss if scale is None else loss * scale[index]).mean().backward()
        optimiser.step()

    def _validation(self, rows: Ints) -> float:
        """Mean loss on the records that are held out."""
        torch = need_torch()
        self.module.eval()
        if len(rows) == 0:
            return 0.0
        total = 0.0
        with torch.no_grad():
            for start in range(0, len(rows), self.how.batch):
                index = torch.as_tensor(rows[start : start + self.how.batch], device=self.x.device)
                total += float(self._loss(self.x[index], self.y[index]).double().sum())
        return total / len(rows)

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        torch = need_torch()
        try:
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.half):
                logits = two_columns(self.module(x), self.classes).float()
        except GoalkeeperError:
            raise
        except Exception as error:  # the user's own forward() may raise anything
            raise TargetError(
                f"the module raised {type(error).__name__} on inputs of shape "
                f"{tuple(x.shape)}: {error}"
            ) from error
        if logits.ndim != 2 or logits.shape[1] != self.classes:
            raise TargetError(
                f"the module returned an array of shape {tuple(logits.shape)} for {len(x)} "
                f"inputs; return one logit for each of the {self.classes} classes"
            )
        loss: Tensor = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        return loss
