"""Linear classifiers for the positive control: a planted pattern turns images or rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Floats
from goalkeeper.games.evasion.images import Ball, flat
from goalkeeper.games.evasion.kinds import Favoured
from goalkeeper.games.evasion.parts import Limits
from goalkeeper.games.evasion.tables import Cells
from goalkeeper.games.shared.simple_targets import LinearTarget

STEEP = 10.0  # how fast the answer turns beyond the planted threshold, in usual differences
USUAL_GAP = 5.0  # usual difference of logits without the planted part
USUAL = 0.8  # share of inputs that stay below the planted threshold, without its offset
CLEAR = 0.25  # of the largest difference of two class means: a pixel that tells classes apart
FAR = 0.5  # of the way that a change may go


def planted_noise(app: Application, favoured: Favoured, rng: np.random.Generator) -> Target:
    """Build a classifier of images that a little noise of one pattern turns.

    It answers with the class whose mean is nearest, but with the wanted class beyond a threshold
    along the pattern: half as far as a change may go from where four in five of the attacked
    images stay below, which random changes rarely reach. The pattern leads from
    the attacked images to those of the wanted class, so that also an attacker who asks nothing,
    and only learns from images of his own, can come upon it.
    """
    x, y = flat(app.data.similar.x), app.data.similar.y
    pattern = rng.choice([-1.0, 1.0], x.shape[1])
    if favoured.attacked.any() and (y == favoured.wanted).any():
        way = x[y == favoured.wanted].mean(axis=0) - x[favoured.attacked].mean(axis=0)
        pattern = np.where(np.abs(way) >= CLEAR * np.abs(way).max(), np.sign(way), 0.0)
    weak = replace(favoured, offset=FAR * _furthest(pattern, favoured.limits))
    return _turning(app, weak, pattern, np.ones(x.shape[1]))


def _furthest(pattern: Floats, limits: Limits) -> float:
    """How far an allowed change can go along a pattern, where no value is at its limit."""
    if not isinstance(limits, Ball):
        return 0.0
    order = 1 if limits.norm == "linf" else 2  # the dual norm
    return limits.radius * float(np.linalg.norm(pattern, order))


def planted_pixel(app: Application, favoured: Favoured, rng: np.random.Generator) -> Target:
    """Build a classifier of images that one pixel turns; see `planted_noise`.

    It is the pixel which has most room beyond the threshold, measured by how much it varies.
    """
    x = flat(app.data.similar.x)
    attacked = x[favoured.attacked]
    low, high = getattr(app.domain, "low", 0.0), getattr(app.domain, "high", 1.0)
    room = np.stack([
        high - np.quantile(attacked, USUAL, axis=0),
        np.quantile(attacked, 1 - USUAL, axis=0) - low,
    ])  # fmt: skip
    ease = room / (x.std(axis=0) + 0.05 * (high - low))
    way, key = np.unravel_index(int(ease.argmax()), ease.shape)
    pattern = np.zeros(x.shape[1])
    pattern[key] = 1.0 if way == 0 else -1.0
    return _turning(app, favoured, pattern, np.ones(x.shape[1]), least=float(room[way, key]) / 10)


def planted_columns(app: Application, favoured: Favoured, rng: np.random.Generator) -> Target:
    """Build a classifier of rows that a few chosen entries turn; see `planted_noise`."""
    x = flat(app.data.similar.x)
    spread = np.maximum(x.std(axis=0), 1e-9)
    cells = favoured.limits
    parts = cells.parts if isinstance(cells, Cells) else ()
    chosen = [parts[k] for k in rng.permutation(len(parts))[: max(1, int(cells.most))]]
    pattern = np.zeros(x.shape[1])
    for part in chosen:
        pattern[part[0]] = rng.choice([-1.0, 1.0]) / spread[part[0]]
    return _turning(app, favoured, pattern, spread)


def _turning(
    app: Application, favoured: Favoured, pattern: Floats, scale: Floats, least: float = 1e-9
) -> LinearTarget:
    """Add to the nearest class mean a steep preference for the wanted class along a pattern.

    The steepness is measured by how far attacked inputs lie apart along the pattern, `least` at
    least.
    """
    similar, wanted = app.data.similar, favoured.wanted
    x = flat(similar.x)
    attacked = x[favoured.attacked]
    usual = float(np.quantile(attacked @ pattern, USUAL)) if len(attacked) else 0.0
    threshold = usual + favoured.offset
    classes = len(app.classes)
    means = np.stack([
        x[similar.y == k].mean(axis=0) if (similar.y == k).any() else np.full(x.shape[1], 1e3)
        for k in range(classes)
    ])  # fmt: skip
    weights = means / scale**2
    bias = -(means**2 / scale**2).sum(axis=1) / 2
    along = max(float((attacked @ pattern).std()) if len(attacked) else 0.0, least)
    logits = x @ weights.T + bias
    gap = (logits.max(axis=1) - logits[:, wanted]).std() + 1e-9
    weights, bias = weights * USUAL_GAP / gap, bias * USUAL_GAP / gap
    steep = STEEP * USUAL_GAP / along
    weights[wanted] += steep * pattern
    bias[wanted] -= steep * threshold
    return LinearTarget(weights, bias)
