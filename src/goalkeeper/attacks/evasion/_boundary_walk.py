"""The walk of HopSkipJump on arrays: all inputs side by side, each with its own boundary.

The phases follow one another in the same order for all inputs; an input that is through with a
phase before the others waits, and asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.attacks.evasion._driver import State
from goalkeeper.attacks.evasion._starts import drawn
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.games.evasion import Ball

ROUNDS = 5  # of random starts, before an input is given up
STARTS = 4  # the nearest starts, between which and the input the boundary is sought
SHARES = (0.1, 0.2, 0.35, 0.5, 0.7)  # of the way to a start that are tried
HALVINGS = 20  # of a step along the boundary, before it is left out
BEYOND = ((0, 0), (0.01, 0), (0.03, 0), (0.1, 1))  # how far beyond the boundary a rounded
# image is tried: as a share of the distance, and in steps of the image
FIRST = 0.1  # length of the first noise, in value ranges
MOST_NOISE = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class Pace:
    """The norm that counts, and how many noisy points the first estimate takes."""

    limits: Ball
    noise: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Walk(State):
    """Where each input stands, and what is asked next.

    x: the input; far: a point that reaches the aim (if `found`); way: the step to take, each
    `(a, ...)`. low, high `(a,)`: of the bisection between x and far: a share of the change (L2)
    or its largest value (Linf). length `(a,)`: of the step. points `(a, q, ...)` and ask `(a, q)`
    are the next question, `counts` whether they can be results, `after` what to learn from it.
    """

    pace: Pace
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
    after: Callable[[Walk, Bools, Bools], Walk]
    counts: bool = False
    turn: int = 0
    step: int = 1


def begun(x: Floats, pace: Pace, streams: Inputs, hints: Inputs) -> Walk:
    """Prepare the first question: where the aim is reached at all."""
    n = len(x)
    state = Walk(
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
        after=_started,
    )
    return _starts(state, hints)


def learned(state: Walk, reached: Bools, asked: Bools) -> Walk:
    """Learn from the answers `(a, q)`, and prepare the next question."""
    return state.after(state, reached, asked)


# ---- the start -----------------------------------------------------------------------------------


def _starts(state: Walk, hints: Inputs) -> Walk:
    """Ask about seen images and random patterns."""
    grid = state.pace.limits.grid
    some = [
        np.concatenate([hint, drawn(x, grid, stream)]) if not found else x[None][:0]
        for x, hint, stream, found in zip(state.x, hints, state.streams, state.found, strict=True)
    ]
    width = max((len(points) for points in some), default=0)
    points = np.zeros((len(some), max(1, width), *state.x.shape[1:]))
    ask = np.zeros(points.shape[:2], dtype=bool)
    for i, patterns in enumerate(some):
        points[i, : len(patterns)] = patterns
        ask[i, : len(patterns)] = True
    return replace(state, points=points, ask=ask, after=_started)


def _started(state: Walk, reached: Bools, asked: Bools) -> Walk:
    """Try again where there is no start; elsewhere ask about points on the way to the nearest."""
    distance = np.where(reached, _lengths(state, state.points), np.inf)
    nearest = distance.argsort(axis=1, kind="stable")[:, :STARTS]
    fresh = ~state.found & reached.any(axis=1)
    rows = np.arange(len(nearest))[:, None]
    starts, fine = state.points[rows, nearest], np.isfinite(distance[rows, nearest])
    on_the_way = [state.x[:, None] + s * (starts - state.x[:, None]) for s in (*SHARES, 1.0)]
    ask = np.tile(fine & fresh[:, None], len(on_the_way))
    points = np.concatenate(on_the_way, axis=1)
    if not fresh.any():
        return _begun_again(state)
    return replace(state, points=points, ask=ask, after=_nearest)


def _nearest(state: Walk, reached: Bools, asked: Bools) -> Walk:
    """Set out from the nearest point that reaches the aim."""
    distance = np.where(reached, _lengths(state, state.points), np.inf)
    best, fresh = distance.argmin(axis=1), ~state.found & reached.any(axis=1)
    far = state.far.copy()
    far[fresh] = state.points[fresh, best[fresh]]
    return _begun_again(replace(state, far=far, found=state.found | fresh))


def _begun_again(state: Walk) -> Walk:
    """Draw other patterns where there is no start yet; go on when all have one, or too often."""
    state = replace(state, turn=state.turn + 1)
    if not state.found.all() and state.turn < ROUNDS:
        nothing = np.empty(len(state.x), dtype=object)
        nothing[:] = [state.x[:0] for _ in nothing]
        return _starts(state, nothing)
    return _bisection(replace(state, done=state.done | ~state.found))


# ---- back to the boundary ------------------------------------------------------------------------


def _bisection(state: Walk) -> Walk:
    """Begin to bisect between the input and the far point."""
    high = _lengths(state, state.far[:, None])[:, 0]
    if state.pace.limits.norm == "l2":
        high = np.ones_like(high)
    return _middle(replace(state, low=np.zeros_like(high), high=high))


def _middle(state: Walk) -> Walk:
    """Ask about the middle, as long as the gap is too wide."""
    wide = (state.high - state.low > _tolerance(state)) & state.found
    if not wide.any():
        return _rounded(state)
    middle = (state.low + state.high) / 2
    return replace(
        state,
        points=_towards(state, middle)[:, None],
        ask=wide[:, None],
        counts=False,
        after=_bisected,
    )


def _bisected(state: Walk, reached: Bools, asked: Bools) -> Walk:
    middle, hit, there = (state.low + state.high) / 2, reached[:, 0], asked[:, 0]
    high = np.where(there & hit, middle, state.high)
    low = np.where(there & ~hit, middle, state.low)
    return _middle(replace(state, low=low, high=high))


def _rounded(state: Walk) -> Walk:
    """Go to the boundary, and ask about the image there rounded to its steps."""
    far, limits = _towards(state, state.high), state.pace.limits
    change = far - state.x
    steps = limits.grid.quantum / np.maximum(_lengths(state, far[:, None])[:, 0], 1e-12)
    shares = [1 + share + _wide(many * steps, change) for share, many in BEYOND]
    points = np.stack([limits.settled(state.x, state.x + s * change) for s in shares], axis=1)
    ask = np.repeat(state.found[:, None], len(BEYOND), axis=1)
    return replace(state, far=far, points=points, ask=ask, counts=True, after=_noisy)


# ---- the direction of the boundary ---------------------------------------------------------------


def _noisy(state: Walk, reached: Bools, asked: Bools) -> Walk:
    """Ask about noisy points about the boundary."""
    limits, size = state.pace.limits, state.x[0].size
    many = int(min(state.pace.noise * np.sqrt(state.step), MOST_NOISE))
    length = _lengths(state, state.far[:, None])[:, 0] / size
    if state.step == 1:
        length[:] = FIRST * (limits.grid.high - limits.grid.low)
    shape = (many, *state.x.shape[1:])
    normal = limits.norm == "l2"
    noise = np.stack([
        s.standard_normal(shape) if normal else s.uniform(-1, 1, shape)
        for s in state.streams
    ])  # fmt: skip
    noise /= np.sqrt((noise**2).sum(axis=_inner(noise), keepdims=True))
    points = state.far[:, None] + _wide(length, noise) * noise
    points = np.clip(points, limits.grid.low, limits.grid.high)
    ask = np.repeat(state.found[:, None], many, axis=1)
    return replace(state, points=points, ask=ask, length=length, counts=False, after=_estimated)


def _estimated(state: Walk, reached: Bools, asked: Bools) -> Walk:
    """Average the noise that reached the aim against the noise that did not."""
    limits = state.pace.limits
    noise = (state.points - state.far[:, None]) / np.maximum(
        _wide(state.length, state.points), 1e-12
    )
    sign = np.where(reached, 1.0, -1.0) * asked
    count = np.maximum(asked.sum(axis=1), 1)
    mean = sign.sum(axis=1) / count
    centred = (sign - mean[:, None]) * asked
    one_sided = np.abs(mean) == 1
    centred[one_sided] = sign[one_sided]
    way = np.einsum("aq,aq...->a...", centred, noise)
    if limits.norm == "linf":
        way = np.sign(way)
    else:
        way /= np.maximum(np.sqrt((way**2).sum(axis=_inner(way, 1), keepdims=True)), 1e-12)
    stride = _lengths(state, state.far[:, None])[:, 0] / np.sqrt(state.step)
    return _stride(replace(state, way=way, length=stride, low=np.zeros_like(stride), turn=0))


# ---- the step ------------------------------------------------------------------------------------


def _stride(state: Walk) -> Walk:
    """Ask about a step along the boundary; `low` marks the inputs that have made theirs."""
    waiting = state.found & (state.low == 0)
    if state.turn == HALVINGS or not waiting.any():
        return _bisection(replace(state, step=state.step + 1))
    grid = state.pace.limits.grid
    there = np.clip(state.far + _wide(state.length, state.way) * state.way, grid.low, grid.high)
    ask = waiting[:, None]
    return replace(state, points=there[:, None], ask=ask, counts=False, after=_strode)


def _strode(state: Walk, reached: Bools, asked: Bools) -> Walk:
    """Go where the aim is still reached; halve the step elsewhere."""
    far, hit = state.far.copy(), reached[:, 0]
    far[hit] = state.points[hit, 0]
    low = np.where(hit, 1.0, state.low)
    length = np.where(hit, state.length, state.length / 2)
    return _stride(replace(state, far=far, low=low, length=length, turn=state.turn + 1))


# ---- lengths -------------------------------------------------------------------------------------


def _towards(state: Walk, share: Floats) -> Floats:
    """Return the points between input and far point: by share of the way, or by largest change."""
    wide = _wide(share, state.x)
    if state.pace.limits.norm == "l2":
        return state.x + wide * (state.far - state.x)
    return np.clip(state.far, state.x - wide, state.x + wide)


def _tolerance(state: Walk) -> float:
    """Return how near the boundary is near enough: loosening it costs more than it saves."""
    size = float(state.x[0].size)
    if state.pace.limits.norm == "l2":
        return float(size**-1.5)
    grid = state.pace.limits.grid
    return (grid.high - grid.low) / size**2


def _lengths(state: Walk, points: Floats) -> Floats:
    """Measure points `(a, q, ...)` from their inputs, `(a, q)`."""
    change = points - state.x[:, None]
    if state.pace.limits.norm == "l2":
        return np.asarray(np.sqrt((change**2).sum(axis=_inner(change))))
    return np.asarray(np.abs(change).max(axis=_inner(change)))


def _wide(values: Floats, like: Floats) -> Floats:
    """Give values `(a,)` as many axes as an array has."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _inner(values: Floats, first: int = 2) -> tuple[int, ...]:
    return tuple(range(first, values.ndim))
