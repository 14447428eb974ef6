"""The random search of the Square attack: where squares lie, how large they are, what they hold.

All images of a batch take a step together, each with random numbers of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.attacks.evasion._driver import State, keep_rows
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.games.evasion import NormBall

# Halvings of the share of changed pixels: after these of 10,000 steps (section 5 of the source).
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
MIN_BUMP = 3  # pixels of the side of the smallest square under L2
TILES = 5  # in a row and a column of the first change under L2
BLOCK = 100  # steps for which random numbers are drawn at once
TINY = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Schedule:
    """How many steps an image gets, and which share of the pixels the first squares cover."""

    steps: int
    share: float

    def side(self, step: int, height: int, width: int) -> int:
        """Return the side of the squares of a step, in pixels."""
        halvings = sum(step * 10_000 / self.steps > point for point in HALVINGS)
        side = round(float(np.sqrt(self.share / 2**halvings * height * width)))
        return min(max(1, side), height, width)


@dataclass(frozen=True, eq=False, kw_only=True)
class SquareSearch(State):
    """Where the search of each image `(a, c, h, w)` stands.

    x, best, point: the image, the best changed one, and the one that is asked next. lead `(a,)`:
    how far the best wanted answer is ahead at `best`; -inf before the first answer. wanted
    `(a, classes)`. draws `(a, BLOCK, ...)`: random numbers in [0, 1) of the next steps. varies:
    whether the same image is answered differently from time to time.
    """

    x: Floats
    best: Floats
    point: Floats
    lead: Floats
    wanted: Bools
    streams: Inputs
    draws: Floats
    constraint: NormBall
    schedule: Schedule
    varies: bool = False
    step: int = 0


def begin_search(
    x: Floats, wanted: Bools, constraint: NormBall, streams: Inputs, schedule: Schedule
) -> SquareSearch:
    """Begin with vertical stripes at the bound (Linf), or with tiles of bumps (L2)."""
    state = SquareSearch(
        done=np.zeros(len(x), dtype=bool),
        x=x,
        best=x,
        point=x,
        lead=np.full(len(x), -np.inf),
        wanted=wanted,
        streams=streams,
        draws=np.zeros((len(x), BLOCK, 0)),
        constraint=constraint,
        schedule=schedule,
    )
    start = _draw_stripes if constraint.norm == "linf" else _draw_tiles
    return replace(state, point=_fit(state, start(state)))


def continue_search(
    state: SquareSearch, lead: Floats, lead_of_best: Floats | None = None
) -> SquareSearch:
    """Keep the points whose `lead` `(a,)` is larger, and draw the next ones.

    Where answers vary, the best is asked again beside each point, and `lead_of_best` `(a,)` is
    how far it was ahead this time: the luckiest answer so far would be hard to beat.
    """
    before = state.lead if lead_of_best is None or state.step == 0 else lead_of_best
    better = lead > before
    state = replace(
        state,
        best=np.where(better[:, None, None, None], state.point, state.best),
        lead=np.where(better, lead, state.lead),
        step=state.step + 1,
    )
    if state.step >= state.schedule.steps:
        return replace(state, done=np.ones(len(state.done), dtype=bool))
    if (state.step - 1) % BLOCK == 0:
        numbers = state.x.shape[1] + (2 if state.constraint.norm == "linf" else 5)
        drawn = [stream.random((BLOCK, numbers)) for stream in state.streams]
        state = replace(state, draws=np.stack(drawn) if drawn else state.draws)
    point = _paint_square(state) if state.constraint.norm == "linf" else _move_bump(state)
    return replace(state, point=point)


def _fit(state: SquareSearch, change: Floats) -> Floats:
    """Bring changes into the ball and onto the grid; under L2, to the whole radius first."""
    ball = state.constraint
    if ball.norm == "l2":
        change = change * (ball.radius / np.maximum(_length(change, (1, 2, 3)), TINY))
    found: Floats = ball.quantise(state.x, state.x + change)
    return found


# ---- Linf ----------------------------------------------------------------------------------------


def _draw_stripes(state: SquareSearch) -> Floats:
    channels, height, width = state.x.shape[1:]
    signs = [_signs(stream.random((channels, 1, width))) for stream in state.streams]
    stripes = np.stack(signs) if signs else np.zeros((0, channels, 1, width))
    return np.repeat(stripes, height, axis=2) * state.constraint.radius


def _paint_square(state: SquareSearch) -> Floats:
    """Set a square of each image to the bound, up or down by channel; never as it was.

    Where the draw changes nothing, the opposite is painted: such a query would be lost.
    """
    draws = state.draws[:, (state.step - 1) % BLOCK]
    signs = _signs(draws[:, 2:])
    point = _paint(state, draws, signs)
    same = (point == state.best).all(axis=(1, 2, 3))
    if same.any():
        point[same] = _paint(keep_rows(state, same), draws[same], -signs[same])
    return point


def _paint(state: SquareSearch, draws: Floats, signs: Floats) -> Floats:
    change = state.best - state.x
    side = state.schedule.side(state.step, *state.x.shape[2:])
    place = _window(change, side, draws[:, 0], draws[:, 1])
    change[place] = signs[:, :, None, None] * state.constraint.radius
    return _fit(state, change)


# ---- L2 ------------------------------------------------------------------------------------------


def _draw_tiles(state: SquareSearch) -> Floats:
    """Cover each image with tiles, each a bump up beside a bump down."""
    channels, height, width = state.x.shape[1:]
    side = max(1, min(height, width) // TILES)
    tall, wide = height // side, width // side
    up, left = (height - tall * side) // 2, (width - wide * side) // 2
    change = np.zeros(state.x.shape)
    for i, stream in enumerate(state.streams):
        signs = _signs(stream.random((channels, tall, wide)))
        bump = _bump(side) if stream.random() < 0.5 else _bump(side).T
        tiles = np.kron(signs, bump)
        change[i, :, up : up + tall * side, left : left + wide * side] = tiles
    return change


def _move_bump(state: SquareSearch) -> Floats:
    """Add a bump to one window of each image, paid by what another window holds."""
    draws = state.draws[:, (state.step - 1) % BLOCK]
    height, width = state.x.shape[2:]
    side = max(MIN_BUMP, state.schedule.side(state.step, height, width))
    side = min(side + 1 - side % 2, height, width)
    change, radius = state.best - state.x, state.constraint.radius
    place = _window(change, side, draws[:, 0], draws[:, 1])
    other = _window(change, side, draws[:, 2], draws[:, 3])
    held = change[place]
    free = np.maximum(radius**2 - _length(change, (1, 2, 3)) ** 2, 0) / change.shape[1]
    rest = change.copy()
    rest[place] = rest[other] = 0.0
    paid = (change**2 - rest**2).sum(axis=(2, 3), keepdims=True)  # by channel, in both windows
    bump = np.where(draws[:, 4, None, None] < 0.5, _bump(side), _bump(side).T)
    new = bump[:, None] * _signs(draws[:, 5:])[:, :, None, None]
    new = new + held / np.maximum(_length(held, (2, 3)), TINY)
    rest[place] = new / np.maximum(_length(new, (2, 3)), TINY) * np.sqrt(free + paid)
    return _fit(state, rest)


def _bump(side: int) -> Floats:
    """Return a square `(side, side)` of length 1: its upper part up, its lower part down."""
    upper = side // 2
    out = np.concatenate([_peak(upper, side), -_peak(side - upper, side)])
    return np.asarray(out / np.maximum(np.linalg.norm(out), TINY))


def _peak(height: int, width: int) -> Floats:
    """Return a rectangle of length 1 that rises towards its middle, as equation 2 of the source."""
    row, column = np.arange(height) - height // 2, np.arange(width) - width // 2
    away = np.maximum(np.abs(row)[:, None], np.abs(column)[None])
    rings = max(height, width) // 2 + 1
    inverse = 1.0 / np.arange(1, rings + 2) ** 2
    heights = np.cumsum(inverse[::-1])[::-1]  # the sum over all rings at least as far away
    out = heights[away]
    return np.asarray(out / np.maximum(np.linalg.norm(out), TINY))


# ---- both ----------------------------------------------------------------------------------------


def _signs(draws: Floats) -> Floats:
    return np.where(draws < 0.5, -1.0, 1.0)


def _length(values: Floats, axes: tuple[int, ...]) -> Floats:
    return np.asarray(np.sqrt((values**2).sum(axis=axes, keepdims=True)))


def _window(x: NDArray[Any], side: int, down: Floats, right: Floats) -> tuple[Ints, ...]:
    """Return the index of a square in each image; `down`, `right` `(a,)` in [0, 1) say where."""
    images, channels, height, width = x.shape
    rows = (down * (height - side + 1)).astype(np.int64)[:, None] + np.arange(side)
    columns = (right * (width - side + 1)).astype(np.int64)[:, None] + np.arange(side)
    return (
        np.arange(images)[:, None, None, None],
        np.arange(channels)[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    )
