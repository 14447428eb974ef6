"""The Square attack: random search with squares, by scores alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.evasion._driver import IN_NORMS
from goalkeeper.attacks.evasion._query_plans import PlanAttack, QueryPlan
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import EvasionQuestion, NormBall

# Halvings of the share of changed pixels: after these of 10,000 steps (section 5 of the source).
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


@dataclass(frozen=True, eq=False, slots=True)
class SquareItem:
    """An image `(c, h, w)`, its limits and its random stream."""

    x: Floats
    constraint: NormBall
    stream: np.random.Generator


@final
@dataclass(frozen=True, kw_only=True)
class Square(PlanAttack[SquareItem]):
    """Change one random square at a time, and keep the change if the margin grows.

    The search begins with vertical stripes at the bound. Each step sets a square to new values at
    the bound; the squares shrink as the budget is spent.

    Deviations: every image draws its own squares, and squares reach the last row and column.
    Under L2, the whole change is scaled to the radius after random values were added in a
    square; mass is not moved between two windows.

    Parameters
    ----------
    steps
        Steps of an image, at most; the schedule of sizes is stretched over them.
    share
        Share of the pixels that the first squares cover.
    """

    variant = "evasion.score"
    reference = (
        "Andriushchenko, Croce, Flammarion, Hein 2020, Square Attack: a query-efficient black-box "
        "adversarial attack via random search, ECCV, algorithms 1 and 2"
    )
    domains = frozenset({"image"})
    tasks = IN_NORMS
    most = Budget(queries=1000)
    wide: ClassVar[int] = 1
    steps: int = 1000
    share: float = 0.8

    def items(self, question: EvasionQuestion, streams: Inputs) -> list[SquareItem]:
        """Return each image with its limits and stream."""
        ball = question.constraint
        if not isinstance(ball, NormBall):
            raise TypeError(f"this attack needs a norm ball, the constraint is {ball!r}")
        x = np.asarray(question.x, dtype=np.float64)
        return [SquareItem(row, ball, stream) for row, stream in zip(x, streams, strict=True)]

    def planner(
        self, question: EvasionQuestion, access: Access
    ) -> Callable[[SquareItem], QueryPlan]:
        """Return the search for one image."""
        steps = int(max(1, min(self.steps, access.granted.budget.queries)))
        return lambda item: _search(item, steps, self.share)


def _search(item: SquareItem, steps: int, share: float) -> QueryPlan:
    best, most = item.x, -np.inf
    for delta in _draw_changes(item, steps, share):
        change = delta(best - item.x)
        point = _fit(item, change)
        reply = yield point[None]
        if reply.reached[0]:
            return
        if reply.lead[0] > most:
            best, most = point, float(reply.lead[0])


def _draw_changes(
    item: SquareItem, steps: int, share: float
) -> Iterator[Callable[[Floats], Floats]]:
    yield lambda _: _draw_stripes(item)
    for step in range(1, steps):
        size = _side(item.x, step, steps, share)
        yield partial(_change_square, item, size)


def _draw_stripes(item: SquareItem) -> Floats:
    channels, height, width = item.x.shape
    signs = item.stream.choice([-1.0, 1.0], (channels, 1, width))
    return np.repeat(signs, height, axis=1) * item.constraint.radius


def _change_square(item: SquareItem, side: int, change: Floats) -> Floats:
    channels, height, width = item.x.shape
    tall, wide = min(side, height), min(side, width)
    top = int(item.stream.integers(height - tall + 1))
    left = int(item.stream.integers(width - wide + 1))
    out = change.copy()
    signs = item.stream.choice([-1.0, 1.0], (channels, 1, 1))
    window = out[:, top : top + tall, left : left + wide]
    if item.constraint.norm == "linf":
        window[:] = signs * item.constraint.radius
    else:
        window += signs * item.constraint.radius / np.sqrt(tall * wide * channels)
    return out


def _fit(item: SquareItem, change: Floats) -> Floats:
    """Bring a change into the ball and onto the grid."""
    ball = item.constraint
    if ball.norm == "l2":
        change = change * (ball.radius / max(float(np.linalg.norm(change)), 1e-12))
    before = item.x[None]
    found: Floats = ball.quantise(before, before + change[None])[0]
    return found


def _side(x: Floats, step: int, steps: int, share: float) -> int:
    halvings = sum(step * 10_000 / steps > point for point in HALVINGS)
    return max(1, round(float(np.sqrt(share / 2**halvings * x.shape[1] * x.shape[2]))))
