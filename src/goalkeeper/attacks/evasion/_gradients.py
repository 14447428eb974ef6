"""What gradient attacks share: losses, steps in a norm ball, and the climb.

Tensors have a leading axis of inputs `(a, ...)`; `wanted` `(a, classes)` marks the answers that
count as success. Torch is imported when it is first needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from goalkeeper.attacks.evasion._driver import State, keep_rows
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.games.evasion import NormBall

if TYPE_CHECKING:
    from torch import Tensor

Network = Callable[["Tensor"], "Tensor"]
Loss = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]


@dataclass(frozen=True, eq=False, kw_only=True)
class AscentState(State):
    """Where the climb of each input stands.

    before, x: the input and the point reached, `(a, ...)`. wanted: answers that count `(a,
    classes)`; sought: those that this attempt climbs towards. loss `(a,)`, gradient and hit (the
    network gives a wanted answer) belong to `x`.
    """

    network: Network
    before: Tensor
    x: Tensor
    wanted: Tensor
    sought: Tensor
    loss: Tensor
    gradient: Tensor
    hit: Tensor
    streams: Inputs
    steps: int = 0
    attempt: int = 0


C = TypeVar("C", bound=AscentState)


@dataclass(frozen=True, eq=False, slots=True)
class Climbed:
    """Where each input got `(n, ...)`, whether it is broken, and passes forward and back `(n,)`.

    Each point is the first that breaks its input, else the one of the largest loss.
    """

    points: Tensor
    hit: Tensor
    passes: Tensor


# ---- losses, to be made large --------------------------------------------------------------------


def log_odds(logits: Tensor, wanted: Tensor, sought: Tensor) -> Tensor:
    """Return log P(sought) - log P(not wanted), `(a,)`.

    Its gradient has the direction of that of the cross-entropy, exactly, but does not vanish
    where the softmax saturates: for the cross-entropy it is only multiplied by P(sought) or so.
    """
    low = float("-inf")
    up = logits.masked_fill(~sought, low).logsumexp(dim=1)
    return up - logits.masked_fill(wanted, low).logsumexp(dim=1)


def difference(logits: Tensor, wanted: Tensor, sought: Tensor) -> Tensor:
    """Return how far the best sought logit is ahead of the best that is not wanted, `(a,)`."""
    low = float("-inf")
    up = logits.masked_fill(~sought, low).amax(dim=1)
    return up - logits.masked_fill(wanted, low).amax(dim=1)


def difference_ratio(logits: Tensor, wanted: Tensor, sought: Tensor) -> Tensor:
    """Return the difference of logits ratio, `(a,)`; with fewer than 4 classes the difference.

    The ratio does not change when logits are scaled or shifted (Croce and Hein 2020, eq. 6).
    """
    lead = difference(logits, wanted, sought)
    if logits.shape[1] < 4:
        return lead
    ranked = logits.sort(dim=1, descending=True).values
    return lead / (ranked[:, 0] - ranked[:, 2] + 1e-12)


# ---- steps in a ball -----------------------------------------------------------------------------


def broadcast(values: Tensor, like: Tensor) -> Tensor:
    """Give values `(a,)` as many axes as inputs have."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def steepest_step(gradient: Tensor, norm: str, streams: Inputs) -> Tensor:
    """Return the steps of length 1 along which the loss rises most; random where it is flat."""
    flat = gradient.abs().flatten(1).amax(dim=1) == 0
    if bool(flat.any()):
        gradient = gradient.clone()
        for i in flat.nonzero().flatten().tolist():
            drawn = streams[i].standard_normal(tuple(gradient.shape[1:]))
            gradient[i] = gradient.new_tensor(drawn)
    if norm == "linf":
        return gradient.sign()
    largest = gradient.abs().flatten(1).amax(dim=1)
    scaled = gradient / broadcast(largest, gradient)  # or squares of tiny numbers would be lost
    return scaled / broadcast(scaled.flatten(1).norm(dim=1), gradient)


def project(before: Tensor, x: Tensor, constraint: NormBall) -> Tensor:
    """Move points into the ball about `before` and into the range of values."""
    change = x - before
    if constraint.norm == "linf":
        change = change.clamp(-constraint.radius, constraint.radius)
    else:
        length = change.flatten(1).norm(dim=1).clamp_min(1e-12)
        change = change * broadcast((constraint.radius / length).clamp_max(1.0), change)
    return (before + change).clamp(constraint.grid.low, constraint.grid.high)


def draw_start(before: Tensor, constraint: NormBall, streams: Inputs) -> Tensor:
    """Draw a random point of the ball about each input."""
    shape = tuple(before.shape[1:])
    if constraint.norm == "linf":
        drawn = [s.uniform(-constraint.radius, constraint.radius, shape) for s in streams]
    else:
        drawn = [_draw_in_sphere(s, shape, constraint.radius) for s in streams]
    noise = before.new_tensor(np.stack(drawn)) if drawn else before
    return project(before, before + noise, constraint)


def _draw_in_sphere(stream: np.random.Generator, shape: tuple[int, ...], radius: float) -> Floats:
    way = stream.standard_normal(shape)
    length = radius * stream.random() ** (1 / way.size)
    return np.asarray(way * length / np.linalg.norm(way))


def evaluate_loss(loss: Loss, state: C) -> C:
    """Pass forward and backward once: loss, gradient and success at the points reached."""
    import torch

    x = state.x.detach().requires_grad_()
    with torch.enable_grad():
        logits = state.network(x)
        value = loss(logits, state.wanted, state.sought)
        gradient = torch.zeros_like(x)
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(value.sum(), x)
    chosen = logits.detach().argmax(dim=1, keepdim=True)
    hit = state.wanted.gather(1, chosen).flatten() & logits.detach().isfinite().all(dim=1)
    gradient = torch.nan_to_num(gradient.detach(), nan=0.0, posinf=0.0, neginf=0.0)
    value = torch.nan_to_num(value, nan=-torch.inf)
    return replace(state, loss=value.detach(), gradient=gradient, hit=hit)


# ---- the climb -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ascent(ABC, Generic[C]):
    """How one algorithm climbs: how it begins, and one step.

    Parameters
    ----------
    limits
        The ball to stay in.
    losses
        What is to be made large, attempt by attempt, in turn.
    steps
        Steps of an attempt.
    restarts
        Attempts after the first, which begins at the input; they begin at random points.
    targets
        Attempts after those, each from the input towards one wanted class, the likeliest first;
        none where there are two classes. An input with fewer wanted classes seeks the last one
        again, from a random point.
    targeted_loss
        What these attempts make large; None: the losses in turn.
    """

    constraint: NormBall
    losses: tuple[Loss, ...]
    steps: int
    restarts: int = 0
    targets: int = 0
    targeted_loss: Loss | None = None

    @abstractmethod
    def begin(self, state: AscentState) -> C:
        """Begin an attempt at `state.x`, where loss and gradient were taken."""

    @abstractmethod
    def step_from(self, state: C) -> C:
        """Move `x`; loss and gradient are those at the point before."""

    def observe(self, state: C) -> C:
        """Take note of loss and gradient at the new point."""
        return state

    def open_attempt(self, state: AscentState) -> C:
        """Choose where from and where to, and begin an attempt."""
        state = replace(state, x=state.before, sought=state.wanted, steps=0)
        rank = state.attempt - self.restarts - 1
        away = np.full(len(state.done), state.attempt > 0)  # which begin at a random point
        if rank >= 0:
            state = replace(state, sought=_nth_wanted(state, rank))
            away = state.wanted.sum(dim=1).cpu().numpy() <= rank
        if away.any():
            x = state.before.clone()
            x[away] = draw_start(state.before[away], self.constraint, state.streams[away])
            state = replace(state, x=x)
        return self.begin(evaluate_loss(self._loss(state), state))

    def advance(self, state: C) -> C:
        """Go one step, or begin the next attempt."""
        if state.steps < self.steps:
            moved = evaluate_loss(self._loss(state), self.step_from(state))
            return replace(self.observe(moved), steps=state.steps + 1)
        state = replace(state, attempt=state.attempt + 1)
        return state if self.is_over(state) else self.open_attempt(state)

    def _loss(self, state: AscentState) -> Loss:
        if self.targeted_loss is not None and state.attempt > self.restarts:
            return self.targeted_loss
        return self.losses[state.attempt % len(self.losses)]

    def is_over(self, state: AscentState) -> bool:
        """Return whether all attempts were made."""
        several = state.wanted.shape[1] > 2
        return state.attempt > self.restarts + (self.targets if several else 0)


def _nth_wanted(state: AscentState, rank: int) -> Tensor:
    """Choose the wanted class of each input that is the likeliest but for `rank` others."""
    import torch

    with torch.no_grad():
        logits = state.network(state.before)
    order = logits.masked_fill(~state.wanted, float("-inf")).argsort(dim=1, descending=True)
    last = state.wanted.sum(dim=1, keepdim=True) - 1
    chosen = order.gather(1, last.clamp_max(rank))
    return torch.zeros_like(state.wanted).scatter(1, chosen, value=True)


def prepare_ascent(network: Network, x: Tensor, wanted: Tensor, streams: Inputs) -> AscentState:
    """Return the state before the first attempt."""
    import torch

    n = len(x)
    return AscentState(
        done=np.zeros(n, dtype=bool),
        network=network,
        before=x,
        x=x,
        wanted=wanted,
        sought=wanted,
        loss=torch.full((n,), -torch.inf, dtype=x.dtype, device=x.device),
        gradient=torch.zeros_like(x),
        hit=torch.zeros(n, dtype=torch.bool, device=x.device),
        streams=streams,
    )


def extend_state(state: AscentState, kind: type[C], **fields_added: Any) -> C:
    """Turn a state into one of a kind with more fields."""
    return kind(**{f.name: getattr(state, f.name) for f in fields(AscentState)}, **fields_added)


def ascend(
    network: Network, x: Tensor, wanted: Tensor, ascent: Ascent[C], streams: Inputs
) -> Climbed:
    """Change inputs `(n, ...)` so that the network gives an answer that is `wanted`.

    Inputs leave the batch as soon as they are broken.

    Parameters
    ----------
    network
        Maps inputs to logits `(n, classes)`.
    x
        Inputs.
    wanted
        Answers that count as success, `(n, classes)`.
    ascent
        The algorithm.
    streams
        Of random numbers, one an input, `(n,)`.
    """
    import torch

    best, n = x.detach().clone(), len(x)
    hit = torch.zeros(n, dtype=torch.bool, device=x.device)
    passes = torch.zeros(n, dtype=torch.int64, device=x.device)
    if not n:
        return Climbed(best, hit, passes)
    rows = torch.arange(n, device=x.device)
    most = torch.full((n,), -torch.inf, dtype=torch.float64, device=x.device)
    state = ascent.open_attempt(prepare_ascent(network, best.clone(), wanted, streams))
    passes += 1
    while len(rows) and not ascent.is_over(state):
        better = (state.loss.double() > most[rows]) | state.hit
        best[rows[better]] = state.x[better]
        most[rows[better]] = state.loss[better].double()
        hit[rows[state.hit]] = True
        keep = ~state.hit
        state, rows = keep_rows(state, keep.cpu().numpy()), rows[keep]
        if len(rows):
            state = ascent.advance(state)
            passes[rows] += not ascent.is_over(state)
    return Climbed(best, hit, passes)
