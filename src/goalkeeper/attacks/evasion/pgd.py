"""Projected gradient descent: follow the gradient, and stay in the ball."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from goalkeeper.attacks.evasion._gradient_attack import GradientAttack
from goalkeeper.attacks.evasion._gradients import (
    Ascent,
    AscentState,
    Network,
    ascend,
    difference,
    log_odds,
    project,
    steepest_step,
)
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


def perturb(
    network: Network,
    x: Tensor,
    y: Tensor,
    constraint: NormBall,
    settings: Pgd | None = None,
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
    return ascend(network, x, y, (settings or Pgd()).ascent(constraint), seed)
