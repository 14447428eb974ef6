"""Images from which a search by labels can begin: seen ones of a wanted class, or patterns."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.power import Grade
from goalkeeper.games.evasion import EvasionQuestion, Grid

SEEN = 10  # images of wanted classes that are tried
BLOCKS = (1, 1, 1, 2, 2, 3, 3, 4, 4, 7)  # sizes of the squares that random patterns consist of


def find_wanted_images(question: EvasionQuestion, access: Access) -> Inputs:
    """Return for each input the nearest similar images of wanted classes, in an object array.

    Each entry is `(m, ...)`; m is 0 where the attacker has no similar data.
    """
    out = np.empty(len(question.x), dtype=object)
    out[:] = [question.x[:0] for _ in out]
    if access.granted.knowledge.data < Grade.PARTIAL:
        return out
    data = access.data()
    images = np.asarray(data.x, dtype=np.float64)
    for i, x in enumerate(question.x):
        chosen = images[question.goal.wanted[i, data.y]]
        distance = ((chosen - x) ** 2).reshape(len(chosen), x.size).sum(axis=1)
        out[i] = chosen[np.argsort(distance, kind="stable")[:SEEN]]
    return out


def draw_patterns(x: Floats, grid: Grid, stream: np.random.Generator) -> Floats:
    """Draw patterns like one image `(c, h, w)`: noise, squares, plain, inverted."""
    low, high = grid.low, grid.high
    noise = [draw_squares(x, size, grid, stream) for size in BLOCKS]
    plain = [np.full_like(x, v) for v in (low, high, (low + high) / 2)]
    return np.stack([*noise, *plain, low + high - x])


def draw_squares(x: Floats, size: int, grid: Grid, stream: np.random.Generator) -> Floats:
    """Draw an image like `x` of squares of random values."""
    channels, height, width = x.shape
    shape = (channels, -(-height // size), -(-width // size))
    coarse = stream.uniform(grid.low, grid.high, shape)
    return np.asarray(coarse.repeat(size, axis=1).repeat(size, axis=2)[:, :height, :width])
