"""The Square attack: random search with squares, by scores alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypedDict, Unpack, final

import numpy as np

from goalkeeper.attacks.evasion._climbing import Aim, Norm, build_ball
from goalkeeper.attacks.evasion._driver import (
    IN_NORMS,
    EvasionAttack,
    Proposal,
    QueryResults,
    keep_rows,
    score_leads,
)
from goalkeeper.attacks.evasion._perturbed import Perturbed, key_streams
from goalkeeper.attacks.evasion._squares import (
    Schedule,
    SquareSearch,
    begin_search,
    continue_search,
)
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import EvasionQuestion, NormBall

Scores = Callable[[Floats], Floats]


@final
@dataclass(frozen=True, kw_only=True)
class Square(EvasionAttack[SquareSearch]):
    """Change one random square at a time, and keep the change if the margin grows.

    Under Linf the search begins with vertical stripes at the bound, and each step sets a square
    to new values at the bound. Under L2 it begins with tiles, and each step adds a bump to one
    window and takes its length from another. The squares shrink as the budget is spent.

    Deviations: every image draws its own squares, and squares reach the last row and column. A
    square that would change nothing gets the opposite sign. The margin is that of log scores.
    Where the application answers at random, the best image so far is asked again at each step.

    Parameters
    ----------
    steps
        Steps of an image, at most; the schedule of sizes is stretched over them.
    share
        Share of the pixels that the first squares cover.
    """

    version = 2
    variant = "evasion.score"
    reference = (
        "Andriushchenko, Croce, Flammarion, Hein 2020, Square Attack: a query-efficient black-box "
        "adversarial attack via random search, ECCV, algorithms 1 to 3"
    )
    domains = frozenset({"image"})
    tasks = IN_NORMS
    most = Budget(queries=1000)
    averages: ClassVar[bool] = True
    wide: ClassVar[int] = 8  # images that a step holds of each input
    steps: int = 1000
    share: float = 0.8

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> SquareSearch:
        """Draw the first change of each image."""
        ball = question.constraint
        if not isinstance(ball, NormBall):
            raise TypeError(f"this attack needs a norm ball, the constraint is {ball!r}")
        x = np.asarray(question.x, dtype=np.float64)
        varies = question.asks > 1
        steps = min(self.steps, access.granted.budget.queries // (2 if varies else 1))
        schedule = Schedule(steps=int(max(1, steps)), share=self.share)
        state = begin_search(x, question.goal.wanted, ball, streams, schedule)
        return replace(state, varies=varies)

    def propose(self, state: SquareSearch) -> Proposal:
        """Ask about the changed images; where answers vary, about the best ones again, too."""
        asked = [state.point, state.best] if state.varies else [state.point]
        return Proposal(np.stack(asked, axis=1), np.ones((len(state.x), len(asked)), dtype=bool))

    def update(self, state: SquareSearch, seen: QueryResults) -> SquareSearch:
        """Keep what is better, and change another square."""
        leads = score_leads(seen.scores(), state.wanted)
        return continue_search(state, leads[:, 0], leads[:, 1] if state.varies else None)


class SquareOptions(TypedDict, total=False):
    """Options of `square`: where to, where values may go, and settings."""

    target: Any
    low: float
    high: float
    quantum: float
    steps: int
    share: float
    seed: int


def square(
    scores: Scores, x: Floats, y: Ints, norm: Norm, radius: float, **options: Unpack[SquareOptions]
) -> Perturbed:
    """Change images by their scores alone, square by square (Andriushchenko et al. 2020).

    The algorithm is that of the attack `square`, without application, attacker or game. What it
    finds for an image depends on its content and the seed, not on the rest of the batch.

    Parameters
    ----------
    scores
        Gives the probabilities `(m, classes)` of images `(m, c, h, w)`.
    x, y
        Images `(n, c, h, w)` and their true classes `(n,)`.
    norm, radius
        The ball about each image: `linf` bounds the largest change of a value, `l2` the
        Euclidean length of the change; in the units of the images.
    **options
        `target`, classes to reach `(n,)`; `low`, `high` and `quantum` of the values (0, 1 and
        1/255); `steps` (1000) and `share` (0.8) of the search; `seed`.

    Returns
    -------
    Perturbed
        The first changed images that have a wanted answer; where none was found, the images.

    Raises
    ------
    DataError
        Norm or radius do not fit.
    """
    aim = Aim(low=options.get("low", 0.0), high=options.get("high", 1.0))
    ball = build_ball(norm, radius, aim)
    ball = replace(ball, grid=replace(ball.grid, quantum=options.get("quantum", 1 / 255)))
    out, rows = np.array(x, dtype=np.float64), np.arange(len(x))
    solved, spent = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64)
    if not len(x):
        return Perturbed(points=out, success=solved, distance=np.zeros(0), passes=spent)
    target = options.get("target")
    classes = np.eye(scores(out[:1]).shape[1], dtype=bool)
    wanted = ~classes[y] if target is None else classes[target]
    schedule = Schedule(
        steps=options.get("steps", Square.steps), share=options.get("share", Square.share)
    )
    streams = key_streams(out, options.get("seed", 0))
    state = begin_search(out.copy(), wanted, ball, streams, schedule)
    while len(rows):
        answers = scores(state.point)
        hit = state.wanted[np.arange(len(rows)), answers.argmax(axis=1)]
        spent[rows] += 1
        solved[rows] = hit
        out[rows[hit]] = state.point[hit]
        state = continue_search(state, score_leads(answers[:, None], state.wanted)[:, 0])
        keep = ~state.done & ~hit
        state, rows = keep_rows(state, keep), rows[keep]
    return Perturbed(points=out, success=solved, distance=ball.size(x, out), passes=spent)
