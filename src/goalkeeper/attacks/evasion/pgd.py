"""Projected gradient descent: follow the gradient, and stay in the ball."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack, final

from goalkeeper.attacks.evasion._climbing import Aim, Norm, build_ball, climb, split_aim
from goalkeeper.attacks.evasion._gradient_attack import GradientAttack
from goalkeeper.attacks.evasion._gradients import (
    Ascent,
    AscentState,
    Network,
    difference,
    log_odds,
    project,
    steepest_step,
)
from goalkeeper.attacks.evasion._perturbed import Perturbed
from goalkeeper.games.evasion import NormBall

if TYPE_CHECKING:
    from torch import Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Pgd(GradientAttack):
    """Step along the sign (Linf) or direction (L2) of the gradient, and project onto the ball.

    An input ends as soon as it is broken. Attempts climb the cross-entropy and the difference of
    logits in turn.

    Deviations: the first attempt begins at the input, so that small changes are found first; the
    others at random points of the ball. In place of the cross-entropy log P(wanted) -
    log P(not wanted) is climbed, whose gradient has exactly its direction but does not vanish
    where the softmax saturates. Where the gradient is exactly 0 a random step is taken.

    Parameters
    ----------
    steps
        Steps of an attempt.
    restarts
        Attempts after the first.
    stride
        Length of a step, in radii; divided by the number of steps.
    """

    variant = "evasion.gradient"
    reference = (
        "Madry, Makelov, Schmidt, Tsipras, Vladu 2018, Towards deep learning models resistant to "
        "adversarial attacks, ICLR"
    )
    steps: int = 40
    restarts: int = 4
    stride: float = 2.5

    def ascent(self, constraint: NormBall) -> Ascent[AscentState]:
        """Return the algorithm for these limits."""
        return FixedStepAscent(
            constraint=constraint,
            losses=(log_odds, difference),
            steps=self.steps,
            restarts=self.restarts,
            stride=self.stride / max(1, self.steps),
        )


@final
@dataclass(frozen=True, kw_only=True)
class FixedStepAscent(Ascent[AscentState]):
    """Steps of the same length, in radii, each projected back."""

    stride: float

    def begin(self, state: AscentState) -> AscentState:
        """Begin where the attempt begins."""
        return state

    def step_from(self, state: AscentState) -> AscentState:
        """Step along the steepest direction, then back into the ball."""
        direction = steepest_step(state.gradient, self.constraint.norm, state.streams)
        target = state.x + self.stride * self.constraint.radius * direction
        return replace(state, x=project(state.before, target, self.constraint))


class PgdOptions(Aim, total=False):
    """Options of `pgd`: an aim, and the settings of `Pgd`."""

    steps: int
    restarts: int
    stride: float


def pgd(
    network: Network,
    x: Tensor,
    y: Tensor,
    norm: Norm,
    radius: float,
    **options: Unpack[PgdOptions],
) -> Perturbed:
    """Change inputs by projected gradient descent (Madry et al. 2018).

    The algorithm is that of the attack `pgd`, without application, attacker or game. What it
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
        the settings of `Pgd`: `steps`, `restarts` and `stride`.

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
    >>> found = pgd(network, x, y, norm="linf", radius=8 / 255)
    >>> found.points.shape
    torch.Size([8, 1, 2, 2])
    """
    aim, settings = split_aim(options)
    ascent = Pgd(**settings).ascent(build_ball(norm, radius, aim))
    return climb(network, x, y, ascent, aim)
