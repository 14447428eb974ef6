"""HopSkipJump: find the boundary by labels alone, and walk along it towards the input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypedDict, Unpack, final

import numpy as np

from goalkeeper.attacks.evasion._boundary_walk import (
    BoundaryWalk,
    WalkSettings,
    begin_walk,
    update_walk,
)
from goalkeeper.attacks.evasion._climbing import Norm, build_unbounded_ball
from goalkeeper.attacks.evasion._driver import (
    IN_NORMS,
    EvasionAttack,
    Proposal,
    QueryResults,
    keep_rows,
)
from goalkeeper.attacks.evasion._perturbed import Perturbed, key_streams
from goalkeeper.attacks.evasion._starts import find_wanted_images
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion, Grid, NormBall

Decide = Callable[[Floats], Bools]


@final
@dataclass(frozen=True, kw_only=True)
class HopSkipJump(EvasionAttack[BoundaryWalk]):
    """Estimate the direction of the boundary from labels of noisy points on it, step, bisect.

    Starts are images of a wanted class where the attacker has similar data, else random patterns.
    After each return to the boundary the image is rounded to its steps and asked again, as only
    such an image counts.

    Deviations: the direction, step and distance of each input are its own, although many inputs
    are asked at once. The last point is brought back to the boundary, as all before.

    Parameters
    ----------
    noise
        Noisy points in the first estimate; their number grows with the square root of the step.
    """

    variant = "evasion.decision"
    reference = (
        "Chen, Jordan, Wainwright 2020, HopSkipJumpAttack: a query-efficient decision-based "
        "attack, IEEE S&P, algorithm 2"
    )
    domains = frozenset({"image"})
    tasks = IN_NORMS
    uses = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most = Budget(queries=1000)
    refines: ClassVar[bool] = True
    wide: ClassVar[int] = 300
    noise: int = 100

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> BoundaryWalk:
        """Choose where to begin."""
        constraint = question.constraint
        if not isinstance(constraint, NormBall):
            raise TypeError(f"this attack needs a norm ball, the constraint is {constraint!r}")
        hints = find_wanted_images(question, access)
        x = np.asarray(question.x, dtype=np.float64)
        return begin_walk(x, WalkSettings(constraint, self.noise), streams, hints)

    def propose(self, state: BoundaryWalk) -> Proposal:
        """Ask about the points that the last update prepared."""
        on = np.ones(len(state.done), dtype=bool)
        return Proposal(state.points, state.ask, working=on, counts=state.counts)

    def update(self, state: BoundaryWalk, seen: QueryResults) -> BoundaryWalk:
        """Learn where the boundary is, and prepare the next points."""
        return update_walk(state, seen.reached, seen.asked)


class HopSkipJumpOptions(TypedDict, total=False):
    """Options of `hop_skip_jump`: queries on each image, where values may go, and settings."""

    queries: int
    low: float
    high: float
    quantum: float
    noise: int
    seed: int


def hop_skip_jump(
    decide: Decide, x: Floats, norm: Norm, **options: Unpack[HopSkipJumpOptions]
) -> Perturbed:
    """Find the nearest image with a wanted answer, by labels alone (Chen et al. 2020).

    The algorithm is that of the attack `hop_skip_jump`, without application, attacker or game.
    What it finds for an image depends on its content and the seed, not on the rest of the batch.

    Parameters
    ----------
    decide
        Returns which of some images `(m, c, h, w)` have the answer that is wanted, `(m,)`.
    x
        Images `(n, c, h, w)` that have it not.
    norm
        `linf` or `l2`: what is to be small.
    **options
        `queries` on each image, about (1000); `low`, `high` and `quantum` of the values (0, 1 and
        1/255); `noise`, the points of the first estimate; `seed`.

    Returns
    -------
    Perturbed
        Points, success, distance and queries; images that were never found to change are as
        before.

    Raises
    ------
    DataError
        The norm is not known.
    """
    grid = Grid(
        low=options.get("low", 0.0),
        high=options.get("high", 1.0),
        quantum=options.get("quantum", 1 / 255),
    )
    constraint = build_unbounded_ball(norm, grid)
    hints = np.empty(len(x), dtype=object)
    hints[:] = [x[:0] for _ in x]
    best, size = np.array(x, dtype=np.float64), np.full(len(x), np.inf)
    rows, spent = np.arange(len(x)), np.zeros(len(x), dtype=np.int64)
    pace = WalkSettings(constraint, options.get("noise", HopSkipJump.noise))
    state = begin_walk(best.copy(), pace, key_streams(best, options.get("seed", 0)), hints)
    while len(rows):
        reached = np.zeros_like(state.ask)
        reached[state.ask] = decide(state.points[state.ask])
        spent[rows] += state.ask.sum(axis=1)
        for i, j in np.argwhere(reached) if state.counts else ():
            length = constraint.size(state.x[i : i + 1], state.points[i, j][None])[0]
            if length < size[rows[i]]:
                best[rows[i]], size[rows[i]] = state.points[i, j], length
        state = update_walk(state, reached, state.ask)
        keep = ~state.done & (spent[rows] < options.get("queries", 1000))
        state, rows = keep_rows(state, keep), rows[keep]
    solved = np.isfinite(size)
    return Perturbed(
        points=best, success=solved, distance=np.where(solved, size, 0.0), passes=spent
    )
