"""Auto-PGD: gradient ascent with momentum that halves its steps when it no longer gains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Unpack, final

from goalkeeper.attacks.evasion._climbing import Aim, Norm, build_ball, climb, split_aim
from goalkeeper.attacks.evasion._gradient_attack import GradientAttack
from goalkeeper.attacks.evasion._gradients import (
    Ascent,
    AscentState,
    Network,
    broadcast,
    difference_ratio,
    extend_state,
    log_odds,
    project,
    steepest_step,
)
from goalkeeper.attacks.evasion._perturbed import Perturbed
from goalkeeper.games.evasion import NormBall

if TYPE_CHECKING:
    from torch import Tensor

MOMENTUM = 0.75  # alpha of Croce and Hein 2020, algorithm 1
MIN_RISING_SHARE = 0.75  # share of steps that must gain, or the steps are halved


@final
@dataclass(frozen=True, kw_only=True)
class Apgd(GradientAttack):
    """Maximise cross-entropy, then ratios of logits, by gradient steps of adaptive length.

    Steps begin at two radii. At checkpoints that come ever closer, the steps of an input are
    halved and it goes back to its best point, if too few steps gained or nothing improved since
    the last one. The first attempts seek any wanted class, by the cross-entropy and by the ratio
    in turn; the later ones seek one class each, by the ratio. So the order is that of AutoAttack.

    Deviations: the first attempt begins at the input, so that small changes are found first.
    Inputs end as soon as they are broken. In place of the cross-entropy log P(wanted) -
    log P(not wanted) is climbed, whose gradient has exactly its direction but does not vanish
    where the softmax saturates. With fewer than 4 classes the ratio is not defined and the
    difference of the logits is climbed. The attempts towards one class use the same denominator
    as the others. Where the gradient is exactly 0 a random step is taken.

    Parameters
    ----------
    steps
        Steps of an attempt.
    restarts
        Attempts after the first that begin at another random point.
    targets
        Attempts after those, each towards one wanted class.
    """

    version = 2
    variant = "evasion.gradient"
    reference = (
        "Croce, Hein 2020, Reliable evaluation of adversarial robustness with an ensemble of "
        "diverse parameter-free attacks, ICML, algorithm 1 and equation 6"
    )
    steps: int = 100
    restarts: int = 0
    targets: int = 3

    def ascent(self, constraint: NormBall) -> Ascent[MomentumState]:
        """Return the algorithm for these limits."""
        return AutoPgdAscent(
            constraint=constraint,
            losses=(log_odds, difference_ratio),
            targeted_loss=difference_ratio,
            steps=self.steps,
            restarts=self.restarts,
            targets=self.targets,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class MomentumState(AscentState):
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
class AutoPgdAscent(Ascent[MomentumState]):
    """Momentum, checkpoints, halving."""

    def begin(self, state: AscentState) -> MomentumState:
        """Begin with steps of two radii."""
        import torch

        step = torch.full_like(state.loss, 2 * self.constraint.radius)
        return extend_state(
            state,
            MomentumState,
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

    def step_from(self, state: MomentumState) -> MomentumState:
        """Step along the steepest direction, mixed with the last step."""
        direction = steepest_step(state.gradient, self.constraint.norm, state.streams)
        target = state.x + broadcast(state.step, state.x) * direction
        target = project(state.before, target, self.constraint)
        if state.steps:
            mixed = MOMENTUM * (target - state.x) + (1 - MOMENTUM) * (state.x - state.last)
            target = project(state.before, state.x + mixed, self.constraint)
        return replace(state, x=target, last=state.x, last_loss=state.loss)

    def observe(self, state: MomentumState) -> MomentumState:
        """Keep the best point; at a checkpoint, halve the steps of those that no longer gain."""
        gained = state.loss > state.last_loss
        better = state.loss > state.best_loss
        state = replace(
            state,
            gains=state.gains + gained,
            best=_select(better, state.x, state.best),
            best_loss=_select(better, state.loss, state.best_loss),
            best_gradient=_select(better, state.gradient, state.best_gradient),
        )
        since = _list_checkpoints(self.steps).get(state.steps + 1)
        return state if since is None else _halve_steps(state, since)


def _halve_steps(state: MomentumState, since: int) -> MomentumState:
    """Halve the steps of inputs that gained in too few of the steps since, and set them back."""
    import torch

    slow = state.gains < MIN_RISING_SHARE * since
    stuck = (state.last_step == state.step) & (state.last_best == state.best_loss)
    halve = slow | stuck
    return replace(
        state,
        last_step=state.step,
        last_best=state.best_loss,
        step=torch.where(halve, state.step / 2, state.step),
        gains=torch.zeros_like(state.gains),
        x=_select(halve, state.best, state.x),
        last=_select(halve, state.best, state.last),
        loss=_select(halve, state.best_loss, state.loss),
        gradient=_select(halve, state.best_gradient, state.gradient),
    )


def _select(chosen: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    import torch

    return torch.where(broadcast(chosen, yes), yes, no)


def _list_checkpoints(steps: int) -> dict[int, int]:
    """Map each checkpoint to the number of steps since the one before."""
    # Croce and Hein 2020, section 3.1: p1 = 0.22, p(j+1) = p(j) + max(p(j) - p(j-1) - 0.03, 0.06).
    share, gap, found, last = 0.22, 0.22, dict[int, int](), 0
    while share <= 1:
        here = ceil(round(share * steps, 6))
        if here > last:
            found[here] = here - last
            last = here
        gap = max(gap - 0.03, 0.06)
        share += gap
    return found


class ApgdOptions(Aim, total=False):
    """Options of `apgd`: an aim, and the settings of `Apgd`."""

    steps: int
    restarts: int
    targets: int


def apgd(
    network: Network,
    x: Tensor,
    y: Tensor,
    norm: Norm,
    radius: float,
    **options: Unpack[ApgdOptions],
) -> Perturbed:
    """Change inputs by Auto-PGD (Croce and Hein 2020).

    The algorithm is that of the attack `apgd`, without application, attacker or game. What it
    finds for an input depends on its content and the seed, not on the rest of the batch; values
    are not rounded to the steps of an image.

    Parameters
    ----------
    network
        Maps a tensor `(n, ...)` to logits `(n, classes)`. It is used as it is: set it to `eval()`
        if dropout and batch statistics should rest. Gradients of its parameters stay untouched.
    x, y
        Inputs `(n, ...)` and their true classes `(n,)`, on the device of the network.
    norm, radius
        The ball about each input: `linf` bounds the largest change of a value, `l2` the
        Euclidean length of the change; in the units of the inputs.
    **options
        `target` (classes to reach, `(n,)`), `low` and `high` (of the values, 0 and 1), `seed`, and
        the settings of `Apgd`: `steps`, `restarts` and `targets`.

    Returns
    -------
    Perturbed
        Points, success, distance and passes. `points` without success are those of the largest
        loss, as adversarial training wants them.

    Raises
    ------
    DataError
        Norm, radius, classes or target do not fit.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    >>> x, y = torch.rand(8, 1, 2, 2), torch.zeros(8, dtype=torch.int64)
    >>> found = apgd(network, x, y, norm="linf", radius=8 / 255)
    >>> found.points.shape
    torch.Size([8, 1, 2, 2])
    """
    aim, settings = split_aim(options)
    ascent = Apgd(**settings).ascent(build_ball(norm, radius, aim))
    return climb(network, x, y, ascent, aim)
