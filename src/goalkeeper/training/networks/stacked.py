"""Train many small networks together: their layers stacked, one batched matrix product a layer.

A network of its own would get the same batches in the same order: what comes out is what
`TorchTrainer.fit` gives for the same rows and seed, up to the rounding of float32. All networks
begin an epoch together; those with fewer records are done with it earlier, and those that stop
early leave the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.deadline import check_time
from goalkeeper.targets.torch import TorchTarget, need_torch, two_columns
from goalkeeper.training.networks.batch_schedule import BatchSchedule, ImageChanges, change_images
from goalkeeper.training.networks.blueprint import Arrays
from goalkeeper.training.networks.chain import Chain
from goalkeeper.training.networks.optimiser import StackedOptimiser
from goalkeeper.training.networks.recipe import MIN_IMPROVEMENT, TorchRecipe
from goalkeeper.training.networks.stages import Back, Step

if TYPE_CHECKING:
    from torch import Generator, Tensor

ANSWER_BYTES = 4 << 20  # of activations when many models answer: they stay in the cache
# Logits of a record below which softmax is faster over the first axis than over the last.
FEW_LOGITS = 16
FLOAT32_BYTES = 4

Restore = Callable[[Arrays], TorchTarget]
ToTensor = Callable[[Inputs], Any]


@dataclass(frozen=True, eq=False)
class NetworkStack:
    """G networks of one chain: for each stage its parameters and buffers, each `(G, ...)`."""

    chain: Chain
    values: tuple[tuple[Tensor, ...], ...]

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        stages = zip(self.chain.stages, self.values, strict=True)
        return [a for stage, tensors in stages for a in tensors[: stage.parameters]]

    @classmethod
    def from_arrays(cls, chain: Chain, arrays: Arrays, device: str) -> NetworkStack:
        """Stack parameters and buffers by name, each `(G, ...)`."""
        torch = need_torch()
        ready = {n: torch.as_tensor(arrays[n], device=device) for n in chain.names}
        return cls(chain, tuple(tuple(ready[n] for n in s.names) for s in chain.stages))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return parameters and buffers by name, each `(G, ...)`."""
        return {name: a.cpu().numpy() for name, a in self._named()}

    def map(self, change: Callable[[Tensor], Tensor]) -> NetworkStack:
        """Change every tensor."""
        changed = tuple(tuple(change(a) for a in tensors) for tensors in self.values)
        return NetworkStack(self.chain, changed)

    def copy_into(self, other: NetworkStack, places: Tensor, chosen: Tensor) -> None:
        """Copy the chosen networks to places of another stack."""
        for sources, targets in zip(self.values, other.values, strict=True):
            for source, target in zip(sources, targets, strict=True):
                target[places] = source[chosen]

    def state(self, i: int) -> dict[str, NDArray[Any]]:
        """Return parameters and buffers of one network by name."""
        return {name: a[i].cpu().numpy().copy() for name, a in self._named()}

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for stage, tensors in zip(self.chain.stages, self.values, strict=True):
            yield from zip(stage.names, tensors, strict=True)

    def forward(self, h: Tensor, step: Step) -> tuple[Tensor, list[Back | None]]:
        """Pass inputs `(g, b, ...)`; return logits `(g, b, k)` and how errors go back."""
        backs = []
        for stage, tensors in zip(self.chain.stages, self.values, strict=True):
            h, back = stage.forward(tensors, h, step)
            backs.append(back)
        return h, backs

    def backward(
        self, backs: Sequence[Back | None], error: Tensor, gradients: list[Tensor]
    ) -> None:
        """Carry the error of logits back; add to `gradients`, which are like `parameters`."""
        end = len(gradients)
        first = next(i for i, s in enumerate(self.chain.stages) if s.parameters)
        for i in reversed(range(first, len(backs))):
            start = end - self.chain.stages[i].parameters
            back = backs[i]
            entering = None if back is None else back(error, gradients[start:end], i > first)
            error = error if entering is None else entering
            end = start


@dataclass(frozen=True, eq=False)
class TensorRecords:
    """All records `x (n, ...)`, their classes `y (n,)`, and how many classes there are."""

    x: Tensor
    y: Tensor
    classes: int

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Take records `(g, b)`."""
        flat = rows.reshape(-1)  # twice as fast as an index of two axes
        x, y = self.x.index_select(0, flat), self.y.index_select(0, flat)
        return x.unflatten(0, rows.shape), y.view(rows.shape)


class StackedTraining:
    """G networks that are being trained together.

    Parameters
    ----------
    recipe
        How they are trained.
    stack
        The untrained networks; those with most steps an epoch first.
    records
        What all of them learn from.
    schedules, generators
        Of each network.
    """

    def __init__(
        self,
        recipe: TorchRecipe,
        stack: NetworkStack,
        records: TensorRecords,
        schedules: Sequence[BatchSchedule],
        generators: Sequence[Generator],
    ) -> None:
        self.recipe, self.stack, self.records = recipe, stack, records
        self.schedules, self.generators = list(schedules), list(generators)
        total_steps = np.array([schedule.total_steps for schedule in schedules])
        self.optimiser = StackedOptimiser(recipe, stack.parameters, total_steps)

    def run(self) -> NetworkStack:
        """Train to the end; return the trained networks, in the order in which they came."""
        if not self.recipe.patience:
            for _ in range(self.recipe.epochs):
                self._epoch()
            return self.stack
        return self._run_with_early_stopping()

    def _epoch(self) -> None:
        torch, batch = need_torch(), self.recipe.batch
        orders = [schedule.epoch_order() for schedule in self.schedules]
        lengths = np.array([len(order) for order in orders])
        rows = torch.as_tensor(_pad(orders), device=self.records.x.device)
        for start in range(0, int(lengths.max()), batch):
            counts = np.minimum(lengths - start, batch)
            counts = counts[counts > 0]  # the longest come first
            self._step(rows[: len(counts), start : start + int(counts.max())], counts)

    def _step(self, rows: Tensor, counts: Ints) -> None:
        """Take a step of the first g networks; `rows (g, b)`, of which `counts (g,)` are theirs."""
        check_time()
        g, b = rows.shape
        active_stack = self.stack.map(lambda a: a[:g])
        x, y = self.records.take(rows)
        if self.recipe.augments:
            x = self._change_images(x, counts)
        present = None if int(counts.min()) == b else _presence(x, counts, b)
        step = Step(
            training=True,
            record_counts=counts.tolist(),
            present=present,
            generators=self.generators[:g],
            momentum=self.optimiser.momentum,
        )
        logits, backs = active_stack.forward(x, step)
        error = loss_gradient(logits, y)
        error *= (  # the loss is the mean over the records of each network's own batch
            1 / b
            if present is None
            else present[:, :, None] / error.new_tensor(counts)[:, None, None]
        )
        active_stack.backward(backs, error, [a[:g] for a in self.optimiser.gradients])
        self.optimiser.step(active_stack.parameters, g)

    def _change_images(self, x: Tensor, counts: Ints) -> Tensor:
        active = zip(self.schedules, counts, strict=False)
        drawn = [schedule.draw_changes(int(count)) for schedule, count in active]
        flips = _pad([m.flips.astype(np.int64) for m in drawn]).reshape(-1)
        shifts = _pad([m.shifts for m in drawn]).reshape(-1, 2)
        images = change_images(x.flatten(0, 1), ImageChanges(flips.astype(bool), shifts))
        changed: Tensor = images.unflatten(0, x.shape[:2])
        return changed

    # ---- early stopping -------------------------------------------------------------------------

    def _run_with_early_stopping(self) -> NetworkStack:
        """Train until the loss on held out records no longer falls; the best epoch is kept."""
        torch, best = need_torch(), self.stack.map(lambda a: a.clone())
        active = np.arange(len(self.schedules))
        lowest_loss = np.full(len(active), np.inf)
        epochs_waited = np.zeros(len(active), dtype=np.int64)
        for _ in range(self.recipe.epochs):
            self._epoch()
            losses = self._held_out_losses()
            # NaN counts as better: divergence must be seen.
            better = ~(losses >= lowest_loss[active] - MIN_IMPROVEMENT)
            chosen = torch.as_tensor(np.flatnonzero(better))
            self.stack.copy_into(best, torch.as_tensor(active[better]), chosen)
            lowest_loss[active[better]] = losses[better]
            epochs_waited[active] = np.where(better, 0, epochs_waited[active] + 1)
            unfinished = epochs_waited[active] < self.recipe.patience
            if not unfinished.any():
                break
            if not unfinished.all():
                self._keep_networks(np.flatnonzero(unfinished))
                active = active[unfinished]
        return best

    def _keep_networks(self, chosen: Ints) -> None:
        index = need_torch().as_tensor(chosen, device=self.records.x.device)
        self.stack = self.stack.map(lambda a: a[index])
        self.optimiser.select(index)
        self.schedules = [self.schedules[i] for i in chosen]
        self.generators = [self.generators[i] for i in chosen]

    def _held_out_losses(self) -> Floats:
        """Mean loss of every network on the records that it holds out."""
        torch = need_torch()
        held_out = [schedule.held_out for schedule in self.schedules]
        rows = torch.as_tensor(_pad(held_out), device=self.records.x.device)
        counts = np.array([len(records) for records in held_out])
        sums = np.zeros(len(held_out))
        with torch.no_grad():
            for start in range(0, rows.shape[1], self.recipe.batch):
                part = rows[:, start : start + self.recipe.batch]
                x, y = self.records.take(part)
                logits, _ = self.stack.forward(x, Step())
                logits = two_columns(logits.flatten(0, 1), self.records.classes)
                loss = torch.nn.functional.cross_entropy(logits, y.flatten(), reduction="none")
                inside = np.arange(start, start + part.shape[1]) < counts[:, None]
                sums += (loss.view(part.shape).double().cpu().numpy() * inside).sum(axis=1)
        return np.asarray(sums / np.maximum(counts, 1))


def loss_gradient(logits: Tensor, y: Tensor) -> Tensor:
    """Differentiate each record's cross-entropy by its logits `(g, b, k)`: probability less truth.

    One logit is the log-odds of class 1.
    """
    torch = need_torch()
    if logits.shape[2] == 1:
        return torch.sigmoid(logits) - y[:, :, None]  # type: ignore[no-any-return]
    if logits.shape[2] == 2:  # reductions over an axis of two are slow
        difference = torch.sigmoid(logits[:, :, 1] - logits[:, :, 0]) - y
        return torch.stack([-difference, difference], dim=2)  # type: ignore[no-any-return]
    if logits.shape[2] < FEW_LOGITS:
        error = logits.movedim(2, 0).softmax(dim=0).movedim(0, 2).contiguous()
    else:
        error = logits.softmax(dim=2)
    return error.scatter_add_(2, y[:, :, None], torch.full_like(error[:, :, :1], -1.0))


def softmax64(logits: Tensor) -> Tensor:
    """Take the softmax over the last axis, in float64.

    Exponentials are as precise as float32 logits are; sums and quotients in float64 keep what a
    probability lacks to 1, which membership scores look at.
    """
    torch = need_torch()
    if logits.shape[-1] == 2:  # reductions over an axis of two are slow
        difference = logits[..., 1] - logits[..., 0]
        return torch.stack([-difference, difference], dim=-1).double().sigmoid_()  # type: ignore[no-any-return]
    # Less the largest logit, so that no exponential overflows.
    odds = (logits - logits.amax(dim=-1, keepdim=True)).exp_().double()
    return odds.div_(odds.sum(dim=-1, keepdim=True))


def _pad(rows: Sequence[Ints]) -> Ints:
    """Put arrays of different lengths into one, filled up with zeros."""
    longest = max(len(row) for row in rows)
    if all(len(row) == longest for row in rows):
        return np.stack(rows)
    out = np.zeros((len(rows), longest, *rows[0].shape[1:]), dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def _presence(like: Tensor, counts: Ints, b: int) -> Tensor:
    """Return 1 for records and 0 for what fills up `(g, b)`, on the device of `like`."""
    inside = np.arange(b) < counts[:, None]
    presence: Tensor = need_torch().as_tensor(inside, device=like.device).float()
    return presence


class StackedModules:
    """N trained networks that answer together.

    Parameters
    ----------
    stacks
        Groups of networks, each with their numbers.
    classes
        How many classes they distinguish.
    restore
        Makes a target of parameters and buffers.
    to_tensor
        Makes a tensor of inputs.
    """

    def __init__(
        self,
        stacks: Sequence[tuple[Ints, NetworkStack]],
        classes: int,
        restore: Restore,
        to_tensor: ToTensor,
    ) -> None:
        self._stacks, self._classes = stacks, classes
        self._restore, self._to_tensor = restore, to_tensor
        self._places = {
            int(model): (stack, i) for models, stack in stacks for i, model in enumerate(models)
        }

    def __len__(self) -> int:
        return len(self._places)

    def logits(self, x: Inputs) -> Iterator[tuple[Ints, slice, Tensor]]:
        """Yield models, rows and their logits `(g, b, classes)`, block by block."""
        torch = need_torch()
        rows = self._to_tensor(x)
        with torch.inference_mode():
            for models, stack in self._stacks:
                bytes_a_row = FLOAT32_BYTES * stack.chain.widest * len(models)
                step = max(1, ANSWER_BYTES // bytes_a_row)
                for start in range(0, len(rows), step):
                    block = rows[start : start + step]
                    shared = block[None].expand(len(models), *block.shape)
                    logits, _ = stack.forward(shared, Step())
                    flat = two_columns(logits.flatten(0, 1), self._classes)
                    yield (
                        models,
                        slice(start, start + len(block)),
                        flat.unflatten(0, logits.shape[:2]),
                    )

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        out = np.empty((len(self), len(x), self._classes))
        for models, part, logits in self.logits(x):
            out[models, part] = softmax64(logits).cpu().numpy()
        return out

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        out = np.empty((len(self), len(x)), dtype=np.int64)
        for models, part, logits in self.logits(x):
            out[models, part] = logits.argmax(dim=2).cpu().numpy()
        return out

    def target(self, i: int) -> TorchTarget:
        """Return the i-th target."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"there are {len(self)} models, no number {i}")
        stack, place = self._places[i % len(self)]
        return self._restore(stack.state(place))
