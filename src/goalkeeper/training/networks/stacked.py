"""Train many small networks together: their layers stacked, one batched matrix product a layer.

A network of its own would get the same batches in the same order: what comes out is what
`TorchTrainer.fit` gives for the same rows and seed, up to the rounding of float32. All networks
begin an epoch together; those with fewer records are done with it earlier, and those that stop
early leave the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.targets.torch import TorchTarget, need_torch, two_columns
from goalkeeper.training.networks.chain import Chain
from goalkeeper.training.networks.course import Course, Moves, moved
from goalkeeper.training.networks.optimiser import Optimiser
from goalkeeper.training.networks.recipe import MARGIN, TorchRecipe
from goalkeeper.training.networks.stages import Back, Step

if TYPE_CHECKING:
    from torch import Generator, Tensor

SCORED = 4 << 20  # bytes of activations when many models answer: they stay in the cache
SMALL = 16  # logits of a record, up to which softmax over the last axis is slow

Rebuild = Callable[[dict[str, NDArray[Any]]], TorchTarget]
Prepare = Callable[[Inputs], Any]


@dataclass(frozen=True, eq=False)
class Stack:
    """G networks of one chain: for each stage its parameters and buffers, each `(G, ...)`."""

    chain: Chain
    values: tuple[tuple[Tensor, ...], ...]

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        stages = zip(self.chain.stages, self.values, strict=True)
        return [a for stage, own in stages for a in own[: stage.parameters]]

    @classmethod
    def of(cls, chain: Chain, arrays: Mapping[str, NDArray[Any]], device: str) -> Stack:
        """Stack parameters and buffers by name, each `(G, ...)`."""
        torch = need_torch()
        ready = {n: torch.as_tensor(arrays[n], device=device) for n in chain.names}
        return cls(chain, tuple(tuple(ready[n] for n in s.names) for s in chain.stages))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return parameters and buffers by name, each `(G, ...)`."""
        return {name: a.cpu().numpy() for name, a in self._named()}

    def map(self, change: Callable[[Tensor], Tensor]) -> Stack:
        """Change every tensor."""
        return Stack(self.chain, tuple(tuple(change(a) for a in own) for own in self.values))

    def copy_into(self, other: Stack, places: Tensor, chosen: Tensor) -> None:
        """Copy the chosen networks to places of another stack."""
        for own, theirs in zip(self.values, other.values, strict=True):
            for a, b in zip(own, theirs, strict=True):
                b[places] = a[chosen]

    def state(self, i: int) -> dict[str, NDArray[Any]]:
        """Return parameters and buffers of one network by name."""
        return {name: a[i].cpu().numpy().copy() for name, a in self._named()}

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for stage, own in zip(self.chain.stages, self.values, strict=True):
            yield from zip(stage.names, own, strict=True)

    def passed(self, h: Tensor, step: Step) -> tuple[Tensor, list[Back | None]]:
        """Pass inputs `(g, b, ...)`; return logits `(g, b, k)` and how errors go back."""
        backs = []
        for stage, own in zip(self.chain.stages, self.values, strict=True):
            h, back = stage.forward(own, h, step)
            backs.append(back)
        return h, backs

    def carried(self, backs: Sequence[Back | None], error: Tensor, slopes: list[Tensor]) -> None:
        """Carry the error of logits back; add gradients to `slopes`, alike to `parameters`."""
        at = len(slopes)
        first = next(i for i, s in enumerate(self.chain.stages) if s.parameters)
        for i in reversed(range(first, len(backs))):
            at -= self.chain.stages[i].parameters
            own = slopes[at : at + self.chain.stages[i].parameters]
            back = backs[i]
            found = None if back is None else back(error, own, i > first)
            error = error if found is None else found


@dataclass(frozen=True, eq=False)
class Records:
    """All records `x (n, ...)`, their classes `y (n,)`, and how many classes there are."""

    x: Tensor
    y: Tensor
    classes: int

    def of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Take records `(g, b)`."""
        flat = rows.reshape(-1)  # twice as fast as an index of two axes
        x, y = self.x.index_select(0, flat), self.y.index_select(0, flat)
        return x.unflatten(0, rows.shape), y.view(rows.shape)


class Training:
    """G networks that are being trained together.

    Parameters
    ----------
    how
        The recipe.
    stack
        The untrained networks; those with most steps an epoch first.
    records
        What all of them learn from.
    courses, generators
        Of each network.
    """

    def __init__(
        self,
        how: TorchRecipe,
        stack: Stack,
        records: Records,
        courses: Sequence[Course],
        generators: Sequence[Generator],
    ) -> None:
        self.how, self.stack, self.records = how, stack, records
        self.courses, self.generators = list(courses), list(generators)
        totals = np.array([course.total for course in courses])
        self.optimiser = Optimiser(how, stack.parameters, totals)

    def run(self) -> Stack:
        """Train to the end; return the trained networks, in the order in which they came."""
        if not self.how.patience:
            for _ in range(self.how.epochs):
                self._epoch()
            return self.stack
        return self._stopping()

    def _epoch(self) -> None:
        torch, batch = need_torch(), self.how.batch
        orders = [course.order() for course in self.courses]
        lengths = np.array([len(order) for order in orders])
        rows = torch.as_tensor(_filled(orders), device=self.records.x.device)
        for start in range(0, int(lengths.max()), batch):
            counts = np.minimum(lengths - start, batch)
            counts = counts[counts > 0]  # the longest come first
            self._step(rows[: len(counts), start : start + int(counts.max())], counts)

    def _step(self, rows: Tensor, counts: Ints) -> None:
        g, b = rows.shape
        now = self.stack.map(lambda a: a[:g])
        x, y = self.records.of(rows)
        if self.how.augments:
            x = self._moved(x, counts)
        present = None if int(counts.min()) == b else _present(x, counts, b)
        step = Step(
            training=True,
            counts=counts.tolist(),
            present=present,
            generators=self.generators[:g],
            kept=self.optimiser.kept,
        )
        logits, backs = now.passed(x, step)
        error = slopes_of(logits, y)
        error *= (
            1 / b
            if present is None
            else present[:, :, None] / error.new_tensor(counts)[:, None, None]
        )
        now.carried(backs, error, [a[:g] for a in self.optimiser.slopes])
        self.optimiser.step(now.parameters, g)

    def _moved(self, x: Tensor, counts: Ints) -> Tensor:
        drawn = [course.moves(int(n)) for course, n in zip(self.courses, counts, strict=False)]
        flips = _filled([m.flips.astype(np.int64) for m in drawn]).reshape(-1)
        shifts = _filled([m.shifts for m in drawn]).reshape(-1, 2)
        changed = moved(x.flatten(0, 1), Moves(flips.astype(bool), shifts))
        ready: Tensor = changed.unflatten(0, x.shape[:2])
        return ready

    # ---- early stopping -------------------------------------------------------------------------

    def _stopping(self) -> Stack:
        """Train until the loss on held out records no longer falls; the best epoch is kept."""
        torch, best = need_torch(), self.stack.map(lambda a: a.clone())
        active = np.arange(len(self.courses))
        lowest, waited = np.full(len(active), np.inf), np.zeros(len(active), dtype=np.int64)
        for _ in range(self.how.epochs):
            self._epoch()
            losses = self._losses()
            better = ~(losses >= lowest[active] - MARGIN)  # one that is no number is kept, and seen
            chosen = torch.as_tensor(np.flatnonzero(better))
            self.stack.copy_into(best, torch.as_tensor(active[better]), chosen)
            lowest[active[better]] = losses[better]
            waited[active] = np.where(better, 0, waited[active] + 1)
            left = waited[active] < self.how.patience
            if not left.any():
                break
            if not left.all():
                self._keep(np.flatnonzero(left))
                active = active[left]
        return best

    def _keep(self, chosen: Ints) -> None:
        index = need_torch().as_tensor(chosen, device=self.records.x.device)
        self.stack = self.stack.map(lambda a: a[index])
        self.optimiser.only(index)
        self.courses = [self.courses[i] for i in chosen]
        self.generators = [self.generators[i] for i in chosen]

    def _losses(self) -> Floats:
        """Mean loss of every network on the records that it holds out."""
        torch = need_torch()
        held = [course.held for course in self.courses]
        rows = torch.as_tensor(_filled(held), device=self.records.x.device)
        counts = np.array([len(own) for own in held])
        sums = np.zeros(len(held))
        with torch.no_grad():
            for start in range(0, rows.shape[1], self.how.batch):
                part = rows[:, start : start + self.how.batch]
                x, y = self.records.of(part)
                logits = two_columns(
                    self.stack.passed(x, Step())[0].flatten(0, 1), self.records.classes
                )
                loss = torch.nn.functional.cross_entropy(logits, y.flatten(), reduction="none")
                inside = np.arange(start, start + part.shape[1]) < counts[:, None]
                sums += (loss.view(part.shape).double().cpu().numpy() * inside).sum(axis=1)
        return np.asarray(sums / np.maximum(counts, 1))


def slopes_of(logits: Tensor, y: Tensor) -> Tensor:
    """Slope of each record's cross-entropy in its logits `(g, b, k)`: probabilities less truth.

    One logit stands for two, half of it for class 1 and minus half for class 0.
    """
    torch = need_torch()
    if logits.shape[2] == 1:
        return torch.sigmoid(logits) - y[:, :, None]  # type: ignore[no-any-return]
    if logits.shape[2] == 2:
        away = torch.sigmoid(logits[:, :, 1] - logits[:, :, 0]) - y
        return torch.stack([-away, away], dim=2)  # type: ignore[no-any-return]
    if logits.shape[2] < SMALL:
        error = logits.movedim(2, 0).softmax(dim=0).movedim(0, 2).contiguous()
    else:
        error = logits.softmax(dim=2)
    return error.scatter_add_(2, y[:, :, None], torch.full_like(error[:, :, :1], -1.0))


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the last axis, in float64.

    Exponentials are as precise as float32 logits are; sums and quotients in float64 keep what a
    probability lacks to 1, which membership scores look at.
    """
    torch = need_torch()
    if logits.shape[-1] == 2:  # reductions over an axis of two are slow
        away = logits[..., 1] - logits[..., 0]
        return torch.stack([-away, away], dim=-1).double().sigmoid_()  # type: ignore[no-any-return]
    parts = (logits - logits.amax(dim=-1, keepdim=True)).exp_().double()
    return parts.div_(parts.sum(dim=-1, keepdim=True))


def _filled(rows: Sequence[Ints]) -> Ints:
    """Put arrays of different lengths into one, filled up with zeros."""
    longest = max(len(own) for own in rows)
    if all(len(own) == longest for own in rows):
        return np.stack(rows)
    out = np.zeros((len(rows), longest, *rows[0].shape[1:]), dtype=np.int64)
    for i, own in enumerate(rows):
        out[i, : len(own)] = own
    return out


def _present(like: Tensor, counts: Ints, b: int) -> Tensor:
    inside = np.arange(b) < counts[:, None]
    made: Tensor = need_torch().as_tensor(inside, device=like.device).float()
    return made


class StackedModules:
    """N trained networks that answer together.

    Parameters
    ----------
    stacks
        Groups of networks, each with their numbers.
    classes
        How many classes they tell apart.
    rebuild
        Makes a target of parameters and buffers.
    prepare
        Makes a tensor of inputs.
    """

    def __init__(
        self,
        stacks: Sequence[tuple[Ints, Stack]],
        classes: int,
        rebuild: Rebuild,
        prepare: Prepare,
    ) -> None:
        self._stacks, self._classes = stacks, classes
        self._rebuild, self._prepare = rebuild, prepare
        self._place = {
            int(model): (stack, i) for models, stack in stacks for i, model in enumerate(models)
        }

    def __len__(self) -> int:
        return len(self._place)

    def logits(self, x: Inputs) -> Iterator[tuple[Ints, slice, Tensor]]:
        """Yield models, rows and their logits `(g, b, classes)`, block by block."""
        torch = need_torch()
        rows = self._prepare(x)
        with torch.inference_mode():
            for models, stack in self._stacks:
                step = max(1, SCORED // (4 * stack.chain.widest * len(models)))
                for start in range(0, len(rows), step):
                    block = rows[start : start + step]
                    shared = block[None].expand(len(models), *block.shape)
                    logits, _ = stack.passed(shared, Step())
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
            out[models, part] = probabilities(logits).cpu().numpy()
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
        stack, place = self._place[i % len(self)]
        return self._rebuild(stack.state(place))
