"""Train one module by a recipe: the reference that batched fits are tested against."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import GoalkeeperError, TargetError
from goalkeeper.targets.outputs import Outputs
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks.batch_schedule import BatchSchedule, change_images
from goalkeeper.training.networks.recipe import (
    MIN_IMPROVEMENT,
    Perturbation,
    TorchRecipe,
    step_share,
)

if TYPE_CHECKING:
    from torch import Tensor, nn


class SingleTraining:
    """One module that is being trained.

    Parameters
    ----------
    recipe
        How it is trained.
    module
        Untrained, on the device where it is trained.
    records
        Inputs `(n, ...)` and their classes `(n,)` as tensors on that device.
    outputs
        What the module returns: it is trained on the logits behind that.
    half
        Whether products are computed in bfloat16.
    """

    def __init__(
        self,
        recipe: TorchRecipe,
        module: nn.Module,
        records: tuple[Tensor, Tensor],
        outputs: Outputs,
        *,
        half: bool = False,
    ) -> None:
        self.recipe, self.module, self.outputs, self.half = recipe, module, outputs, half
        self.x, self.y = records
        self.progress = 1.0  # share of the training that is done; updates come after all of it

    def run(self, schedule: BatchSchedule, weights: Floats | None = None) -> None:
        """Train to the end; `weights (n,)` multiply the loss of each record."""
        torch = need_torch()
        record_weights = None
        if weights is not None:
            record_weights = torch.as_tensor(weights, dtype=torch.float32, device=self.x.device)
        optimiser = self.recipe.build_optimiser(self.module.parameters())
        best, steps_taken = _BestEpoch(self.module, self.recipe.patience), 0
        for _ in range(self.recipe.epochs):
            self.module.train()
            for rows in schedule.epoch_batches():
                step, total = np.array([steps_taken]), np.array([schedule.total_steps])
                rate = float(self.recipe.learning_rates(step, total)[0])
                for group in optimiser.param_groups:
                    group["lr"] = rate
                self.progress = steps_taken / schedule.total_steps
                self._step(optimiser, rows, schedule, record_weights)
                steps_taken += 1
            if not (self.recipe.patience or self.recipe.perturbation):
                continue
            best.note(self._held_out_loss(schedule.held_out), waits=self._has_warmed_up())
            if best.is_over:
                break
        best.restore()

    def update(self, batches: Iterable[Ints], schedule: BatchSchedule) -> None:
        """Take one step for each batch of records, at the recipe's rate, with a fresh optimiser."""
        optimiser = self.recipe.build_optimiser(self.module.parameters())
        for rows in batches:
            self.module.train()
            if len(rows) == 1:
                _freeze_averages(self.module)
            self._step(optimiser, rows, schedule, None)
        self.module.eval()

    def _step(
        self, optimiser: Any, rows: Ints, schedule: BatchSchedule, record_weights: Tensor | None
    ) -> None:
        check_time()
        index = need_torch().as_tensor(rows, device=self.x.device)
        x = self.x.index_select(0, index)
        if self.recipe.augments:
            x = change_images(x, schedule.draw_changes(len(rows)))
        if self.recipe.perturbation is not None:
            x = self._perturbed(self.recipe.perturbation, x, self.y[index])
        optimiser.zero_grad()
        loss = self._loss(x, self.y[index])
        (loss if record_weights is None else loss * record_weights[index]).mean().backward()
        optimiser.step()

    def _perturbed(self, change: Perturbation, x: Tensor, y: Tensor) -> Tensor:
        """Return the inputs of a step, changed; averages of batches do not move."""
        self.module.eval()
        found = self._climb(change, change.radius_at(self.progress), change.steps, x, y)
        self.module.train()
        return found

    def _climb(
        self, change: Perturbation, radius: float, steps: int, x: Tensor, y: Tensor
    ) -> Tensor:
        """Return inputs within the radius that raise the loss, from a random start."""
        torch = need_torch()
        low, high = (x - radius).clamp(min=change.low), (x + radius).clamp(max=change.high)
        found: Tensor = (x + (2 * torch.rand_like(x) - 1) * radius).clamp(low, high)
        for _ in range(steps):
            found.requires_grad_()
            (slope,) = torch.autograd.grad(self._loss(found, y).sum(), found)
            step = step_share(steps) * radius
            found = (found.detach() + step * slope.sign()).clamp(low, high)
        return found

    def _has_warmed_up(self) -> bool:
        """Whether the inputs are changed by as much as they will be: before, nothing is final."""
        change = self.recipe.perturbation
        return change is None or self.progress >= change.warm_up

    def _held_out_loss(self, rows: Ints) -> float:
        """Mean loss on the records that are held out, changed where the training changes them."""
        torch, batch = need_torch(), self.recipe.batch
        self.module.eval()
        if len(rows) == 0:
            return 0.0
        total, change = 0.0, self.recipe.perturbation
        for start in range(0, len(rows), batch):
            index = torch.as_tensor(rows[start : start + batch], device=self.x.device)
            x, y = self.x[index], self.y[index]
            if change is not None:
                x = self._climb(change, change.radius, change.guard_steps, x, y)
            with torch.no_grad():  # in float64: a mean over many must resolve MIN_IMPROVEMENT
                total += float(self._loss(x, y).double().sum())
        return total / len(rows)

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        torch = need_torch()
        try:
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.half):
                logits = self.outputs.logits(self.module, x)
                logits = logits if logits.dtype == torch.float64 else logits.float()
        except GoalkeeperError:
            raise
        except Exception as error:  # the user's own forward() may raise anything
            raise TargetError(
                f"the module raised {type(error).__name__} on inputs of shape "
                f"{tuple(x.shape)}: {error}"
            ) from error
        loss: Tensor = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        return loss


class _BestEpoch:
    """Keeps the parameters of the epoch with the lowest loss on records held out."""

    def __init__(self, module: nn.Module, patience: int) -> None:
        self.module, self.patience = module, patience
        self._lowest, self._waited = np.inf, 0
        self._state: dict[str, Tensor] | None = None

    @property
    def is_over(self) -> bool:
        """Whether patience is over."""
        return 0 < self.patience <= self._waited

    def note(self, loss: float, *, waits: bool) -> None:
        """Note the loss after an epoch; `waits`: whether one without a gain counts."""
        self._waited += waits
        if not loss >= self._lowest - MIN_IMPROVEMENT:  # NaN counts: divergence must be seen
            self._lowest, self._waited = loss, 0
            self._state = copy.deepcopy(self.module.state_dict())

    def restore(self) -> None:
        """Give the module the parameters of that epoch."""
        if self._state is not None:
            self.module.load_state_dict(self._state)


def _freeze_averages(module: nn.Module) -> None:
    """Have batch normalisation use its stored averages: a single record has no spread."""
    for layer in module.modules():
        if getattr(layer, "running_mean", None) is not None:
            layer.eval()
