"""Auto-PGD: gradient ascent with momentum that halves its steps when it no longer gains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, final

from goalkeeper.attacks.evasion._gradient_attack import GradientAttack
from goalkeeper.attacks.evasion._gradients import (
    Ascent,
    Climb,
    Network,
    climbed,
    difference_ratio,
    projected,
    spread,
    steepest,
    widened,
)
from goalkeeper.games.evasion import Ball

if TYPE_CHECKING:
    from torch import Tensor

MOMENTUM = 0.75
RISING = 0.75  # share of steps that must gain, or the steps are halved


@final
@dataclass(frozen=True, kw_only=True)
class Apgd(GradientAttack):
    """Climb the difference of logits ratio with steps that find their own length.

    Steps begin at two radii. At checkpoints that come ever closer, the steps of an input are
    halved and it goes back to its best point, if too few steps gained or nothing improved since
    the last one. The first attempts seek any wanted class, the later ones one class each.

    Deviations: the first attempt begins at the input, so that small changes are found first.
    Inputs end as soon as they are broken. With fewer than 4 classes the ratio is not
    defined and the difference of the logits is climbed. The attempts towards one class use the
    same denominator as the others. Where the gradient is exactly 0 a random step is taken.

    Parameters
    ----------
    steps
        Steps of an attempt.
    restarts
        Attempts after the first that begin at another random point.
    targets
        Attempts after those, each towards one wanted class.
    """

    variant = "evasion.gradient"
    reference = (
        "Croce, Hein 2020, Reliable evaluation of adversarial robustness with an ensemble of "
        "diverse parameter-free attacks, ICML, algorithm 1 and equation 6"
    )
    steps: int = 100
    restarts: int = 0
    targets: int = 3

    def ascent(self, limits: Ball) -> Ascent[Momentum]:
        """Return the algorithm for these limits."""
        return Auto(
            limits=limits,
            losses=(difference_ratio,),
            steps=self.steps,
            restarts=self.restarts,
            targets=self.targets,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Momentum(Climb):
    """A climb with a memory; all `(a,)` or `(a, ...)`.

    last: the point before `x`. best, best_loss, best_gradient: at the largest loss so far. step:
    length of the steps. gains: steps since the last checkpoint that raised the loss. last_step,
    last_best: step and best loss at the last checkpoint.
    """

    last: Tensor
    best: Tensor
    best_loss: Tensor
    best_gradient: Tensor
    step: Tensor
    gains: Tensor
    last_step: Tensor
    last_best: Tensor
    last_loss: Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Auto(Ascent[Momentum]):
    """Momentum, checkpoints, halving."""

    def begun(self, state: Climb) -> Momentum:
        """Begin with steps of two radii."""
        import torch

        step = torch.full_like(state.loss, 2 * self.limits.radius)
        return widened(
            state,
            Momentum,
            last=state.x,
            best=state.x,
            best_loss=state.loss,
            best_gradient=state.gradient,
            step=step,
            gains=torch.zeros_like(step),
            last_step=step,
            last_best=state.loss,
            last_loss=state.loss,
        )

    def moved(self, state: Momentum) -> Momentum:
        """Step along the steepest direction, mixed with the last step."""
        way = steepest(state.gradient, self.limits.norm, state.streams)
        there = state.x + spread(state.step, state.x) * way
        there = projected(state.before, there, self.limits)
        if state.steps:
            mixed = MOMENTUM * (there - state.x) + (1 - MOMENTUM) * (state.x - state.last)
            there = projected(state.before, state.x + mixed, self.limits)
        return replace(state, x=there, last=state.x, last_loss=state.loss)

    def learned(self, state: Momentum) -> Momentum:
        """Keep the best point; at a checkpoint, halve the steps of those that no longer gain."""
        gained = state.loss > state.last_loss
        better = state.loss > state.best_loss
        state = replace(
            state,
            gains=state.gains + gained,
            best=_where(better, state.x, state.best),
            best_loss=_where(better, state.loss, state.best_loss),
            best_gradient=_where(better, state.gradient, state.best_gradient),
        )
        since = _checkpoints(self.steps).get(state.steps + 1)
        return state if since is None else _halved(state, since)


def _halved(state: Momentum, since: int) -> Momentum:
    """Halve the steps of inputs that gained in too few of the steps since, and set them back."""
    import torch

    slow = state.gains < RISING * since
    stuck = (state.last_step == state.step) & (state.last_best == state.best_loss)
    halve = slow | stuck
    return replace(
        state,
        last_step=state.step,
        last_best=state.best_loss,
        step=torch.where(halve, state.step / 2, state.step),
        gains=torch.zeros_like(state.gains),
        x=_where(halve, state.best, state.x),
        last=_where(halve, state.best, state.last),
        loss=_where(halve, state.best_loss, state.loss),
        gradient=_where(halve, state.best_gradient, state.gradient),
    )


def _where(chosen: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    import torch

    return torch.where(spread(chosen, yes), yes, no)


def _checkpoints(steps: int) -> dict[int, int]:
    """Map each checkpoint to the number of steps since the one before."""
    share, gap, found, last = 0.22, 0.22, dict[int, int](), 0
    while share <= 1:
        here = ceil(round(share * steps, 6))
        if here > last:
            found[here] = here - last
            last = here
        gap = max(gap - 0.03, 0.06)
        share += gap
    return found


def perturb(
    network: Network,
    x: Tensor,
    y: Tensor,
    limits: Ball,
    settings: Apgd | None = None,
    seed: int = 0,
) -> Tensor:
    """Change inputs so that a network no longer answers `y`, without any framework.

    Parameters
    ----------
    network
        Maps `(n, ...)` to logits `(n, classes)`.
    x
        Inputs `(n, ...)`.
    y
        Their classes `(n,)`.
    limits
        The norm ball to stay in.
    settings
        Of the algorithm.
    seed
        Of the random starts.

    Returns
    -------
    (n, ...)
        For each input the first point that breaks it, else the one of the largest loss. Values
        are not rounded to the steps of an image.
    """
    return climbed(network, x, y, (settings or Apgd()).ascent(limits), seed)
