"""The walk of HopSkipJump on arrays: all inputs side by side, each with its own boundary.

The phases follow one another in the same order for all inputs; an input that is through with a
phase before the others waits, and asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.attacks.evasion._driver import State
from goalkeeper.attacks.evasion._starts import draw_patterns
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.games.evasion import NormBall

MAX_START_ROUNDS = 5  # of random starts, before an input is given up
NEAREST_STARTS = 4  # the nearest starts, between which and the input the boundary is sought
START_SHARES = (0.1, 0.2, 0.35, 0.5, 0.7)  # of the way to a start that are tried
MAX_HALVINGS = 20  # of a step along the boundary, before it is left out
ROUNDING_MARGINS = ((0, 0), (0.01, 0), (0.03, 0), (0.1, 1))  # how far beyond the boundary a rounded
# image is tried: as a share of the distance, and in steps of the image
FIRST_NOISE = 0.1  # length of the first noise, in value ranges
MAX_NOISE_POINTS = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class WalkSettings:
    """The norm that counts, and how many noisy points the first estimate takes."""

    constraint: NormBall
    noise: int


@dataclass(frozen=True, eq=False, kw_only=True)
class BoundaryWalk(State):
    """Where each input stands, and what is asked next.

    x: the input; far: a point that reaches the aim (if `found`); way: the step to take, each
    `(a, ...)`. low, high `(a,)`: of the bisection between x and far: a share of the change (L2)
    or its largest value (Linf). length `(a,)`: of the step. points `(a, q, ...)` and ask `(a, q)`
    are the next question, `counts` whether they can be results, `after` what to learn from it.
    """

    pace: WalkSettings
    x: Floats
    far: Floats
    way: Floats
    found: Bools
    low: Floats
    high: Floats
    length: Floats
    streams: Inputs
    points: Floats
    ask: Bools
    after: Callable[[BoundaryWalk, Bools, Bools], BoundaryWalk]
    counts: bool = False
    turn: int = 0
    step: int = 1


def begin_walk(x: Floats, pace: WalkSettings, streams: Inputs, hints: Inputs) -> BoundaryWalk:
    """Prepare the first question: where the aim is reached at all."""
    n = len(x)
    state = BoundaryWalk(
        done=np.zeros(n, dtype=bool),
        pace=pace,
        x=x,
        far=x.copy(),
        way=np.zeros_like(x),
        found=np.zeros(n, dtype=bool),
        low=np.zeros(n),
        high=np.zeros(n),
        length=np.zeros(n),
        streams=streams,
        points=x[:, None],
        ask=np.zeros((n, 1), dtype=bool),
        after=_ask_on_the_way,
    )
    return _ask_starts(state, hints)


def update_walk(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    """Learn from the answers `(a, q)`, and prepare the next question."""
    return state.after(state, reached, asked)


# ---- the start -----------------------------------------------------------------------------------


def _ask_starts(state: BoundaryWalk, hints: Inputs) -> BoundaryWalk:
    """Ask about seen images and random patterns."""
    grid = state.pace.constraint.grid
    patterns_of = [
        np.concatenate([hint, draw_patterns(x, grid, stream)]) if not found else x[None][:0]
        for x, hint, stream, found in zip(state.x, hints, state.streams, state.found, strict=True)
    ]
    width = max((len(points) for points in patterns_of), default=0)
    points = np.zeros((len(patterns_of), max(1, width), *state.x.shape[1:]))
    ask = np.zeros(points.shape[:2], dtype=bool)
    for i, patterns in enumerate(patterns_of):
        points[i, : len(patterns)] = patterns
        ask[i, : len(patterns)] = True
    return replace(state, points=points, ask=ask, after=_ask_on_the_way)


def _ask_on_the_way(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    """Try again where there is no start; elsewhere ask about points on the way to the nearest."""
    distance = np.where(reached, _measure_lengths(state, state.points), np.inf)
    nearest = distance.argsort(axis=1, kind="stable")[:, :NEAREST_STARTS]
    fresh = ~state.found & reached.any(axis=1)
    rows = np.arange(len(nearest))[:, None]
    starts, fine = state.points[rows, nearest], np.isfinite(distance[rows, nearest])
    on_the_way = [state.x[:, None] + s * (starts - state.x[:, None]) for s in (*START_SHARES, 1.0)]
    ask = np.tile(fine & fresh[:, None], len(on_the_way))
    points = np.concatenate(on_the_way, axis=1)
    if not fresh.any():
        return _retry_starts(state)
    return replace(state, points=points, ask=ask, after=_take_nearest)


def _take_nearest(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    """Set out from the nearest point that reaches the aim."""
    distance = np.where(reached, _measure_lengths(state, state.points), np.inf)
    best, fresh = distance.argmin(axis=1), ~state.found & reached.any(axis=1)
    far = state.far.copy()
    far[fresh] = state.points[fresh, best[fresh]]
    return _retry_starts(replace(state, far=far, found=state.found | fresh))


def _retry_starts(state: BoundaryWalk) -> BoundaryWalk:
    """Draw other patterns where there is no start yet; go on when all have one, or too often."""
    state = replace(state, turn=state.turn + 1)
    if not state.found.all() and state.turn < MAX_START_ROUNDS:
        nothing = np.empty(len(state.x), dtype=object)
        nothing[:] = [state.x[:0] for _ in nothing]
        return _ask_starts(state, nothing)
    return _begin_bisection(replace(state, done=state.done | ~state.found))


# ---- back to the boundary ------------------------------------------------------------------------


def _begin_bisection(state: BoundaryWalk) -> BoundaryWalk:
    """Begin to bisect between the input and the far point."""
    high = _measure_lengths(state, state.far[:, None])[:, 0]
    if state.pace.constraint.norm == "l2":
        high = np.ones_like(high)
    return _ask_middle(replace(state, low=np.zeros_like(high), high=high))


def _ask_middle(state: BoundaryWalk) -> BoundaryWalk:
    """Ask about the middle, as long as the gap is too wide."""
    wide = (state.high - state.low > _tolerance(state)) & state.found
    if not wide.any():
        return _ask_rounded(state)
    middle = (state.low + state.high) / 2
    return replace(
        state,
        points=_point_towards(state, middle)[:, None],
        ask=wide[:, None],
        counts=False,
        after=_narrow,
    )


def _narrow(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    middle, hit, is_asked = (state.low + state.high) / 2, reached[:, 0], asked[:, 0]
    high = np.where(is_asked & hit, middle, state.high)
    low = np.where(is_asked & ~hit, middle, state.low)
    return _ask_middle(replace(state, low=low, high=high))


def _ask_rounded(state: BoundaryWalk) -> BoundaryWalk:
    """Go to the boundary, and ask about the image there rounded to its steps."""
    far, constraint = _point_towards(state, state.high), state.pace.constraint
    change = far - state.x
    steps = constraint.grid.quantum / np.maximum(_measure_lengths(state, far[:, None])[:, 0], 1e-12)
    shares = [1 + share + _broadcast(many * steps, change) for share, many in ROUNDING_MARGINS]
    points = np.stack([constraint.quantise(state.x, state.x + s * change) for s in shares], axis=1)
    ask = np.repeat(state.found[:, None], len(ROUNDING_MARGINS), axis=1)
    return replace(state, far=far, points=points, ask=ask, counts=True, after=_ask_noisy)


# ---- the direction of the boundary ---------------------------------------------------------------


def _ask_noisy(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    """Ask about noisy points about the boundary."""
    constraint, size = state.pace.constraint, state.x[0].size
    many = int(min(state.pace.noise * np.sqrt(state.step), MAX_NOISE_POINTS))
    length = _measure_lengths(state, state.far[:, None])[:, 0] / size
    if state.step == 1:
        length[:] = FIRST_NOISE * (constraint.grid.high - constraint.grid.low)
    shape = (many, *state.x.shape[1:])
    normal = constraint.norm == "l2"
    noise = np.stack([
        s.standard_normal(shape) if normal else s.uniform(-1, 1, shape)
        for s in state.streams
    ])  # fmt: skip
    noise /= np.sqrt((noise**2).sum(axis=_inner_axes(noise), keepdims=True))
    points = state.far[:, None] + _broadcast(length, noise) * noise
    points = np.clip(points, constraint.grid.low, constraint.grid.high)
    ask = np.repeat(state.found[:, None], many, axis=1)
    return replace(
        state, points=points, ask=ask, length=length, counts=False, after=_estimate_direction
    )


def _estimate_direction(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    """Average the noise that reached the aim against the noise that did not."""
    constraint = state.pace.constraint
    noise = (state.points - state.far[:, None]) / np.maximum(
        _broadcast(state.length, state.points), 1e-12
    )
    sign = np.where(reached, 1.0, -1.0) * asked
    count = np.maximum(asked.sum(axis=1), 1)
    mean = sign.sum(axis=1) / count
    centred = (sign - mean[:, None]) * asked
    one_sided = np.abs(mean) == 1
    centred[one_sided] = sign[one_sided]
    way = np.einsum("aq,aq...->a...", centred, noise)
    if constraint.norm == "linf":
        way = np.sign(way)
    else:
        way /= np.maximum(np.sqrt((way**2).sum(axis=_inner_axes(way, 1), keepdims=True)), 1e-12)
    stride = _measure_lengths(state, state.far[:, None])[:, 0] / np.sqrt(state.step)
    return _ask_step(replace(state, way=way, length=stride, low=np.zeros_like(stride), turn=0))


# ---- the step ------------------------------------------------------------------------------------


def _ask_step(state: BoundaryWalk) -> BoundaryWalk:
    """Ask about a step along the boundary; `low` marks the inputs that have made theirs."""
    waiting = state.found & (state.low == 0)
    if state.turn == MAX_HALVINGS or not waiting.any():
        return _begin_bisection(replace(state, step=state.step + 1))
    grid = state.pace.constraint.grid
    target = np.clip(
        state.far + _broadcast(state.length, state.way) * state.way, grid.low, grid.high
    )
    ask = waiting[:, None]
    return replace(state, points=target[:, None], ask=ask, counts=False, after=_take_step)


def _take_step(state: BoundaryWalk, reached: Bools, asked: Bools) -> BoundaryWalk:
    """Go where the aim is still reached; halve the step elsewhere."""
    far, hit = state.far.copy(), reached[:, 0]
    far[hit] = state.points[hit, 0]
    low = np.where(hit, 1.0, state.low)
    length = np.where(hit, state.length, state.length / 2)
    return _ask_step(replace(state, far=far, low=low, length=length, turn=state.turn + 1))


# ---- lengths -------------------------------------------------------------------------------------


def _point_towards(state: BoundaryWalk, share: Floats) -> Floats:
    """Return the points between input and far point: by share of the way, or by largest change."""
    wide = _broadcast(share, state.x)
    if state.pace.constraint.norm == "l2":
        return state.x + wide * (state.far - state.x)
    return np.clip(state.far, state.x - wide, state.x + wide)


def _tolerance(state: BoundaryWalk) -> float:
    """Return how near the boundary is near enough: loosening it costs more than it saves."""
    # Chen et al. 2020: theta = d^(-3/2) in L2, d^-2 in Linf, for inputs of d values.
    size = float(state.x[0].size)
    if state.pace.constraint.norm == "l2":
        return float(size**-1.5)
    grid = state.pace.constraint.grid
    return (grid.high - grid.low) / size**2


def _measure_lengths(state: BoundaryWalk, points: Floats) -> Floats:
    """Measure points `(a, q, ...)` from their inputs, `(a, q)`."""
    change = points - state.x[:, None]
    if state.pace.constraint.norm == "l2":
        return np.asarray(np.sqrt((change**2).sum(axis=_inner_axes(change))))
    return np.asarray(np.abs(change).max(axis=_inner_axes(change)))


def _broadcast(values: Floats, like: Floats) -> Floats:
    """Give values `(a,)` as many axes as an array has."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _inner_axes(values: Floats, first: int = 2) -> tuple[int, ...]:
    return tuple(range(first, values.ndim))
