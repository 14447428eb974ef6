"""Linear classifiers of images with known distances, and games about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Floats, Splits
from goalkeeper.core.domain import ImageDomain
from goalkeeper.games.base import Deal
from goalkeeper.games.evasion import Evasion, EvasionQuestion, Grid, NormBall
from goalkeeper.games.evasion.parts import CleanState
from goalkeeper.games.shared.simple_targets import LinearTarget

SIDE = 8
FINE = Grid(low=0.0, high=1.0, quantum=1e-6)


def no_count(forward: int, backward: int) -> None:
    """Count nothing."""


def linear(seed: int = 0, classes: int = 2, size: int = SIDE * SIDE) -> tuple[Floats, Floats]:
    """Weights and bias with the boundary in the middle of the cube of images."""
    weights = np.random.default_rng(seed).standard_normal((classes, size))
    return weights, -weights.sum(axis=1) / 2


def images(n: int, seed: int = 1, side: int = SIDE) -> Floats:
    """Images far from the ends of their range."""
    return np.random.default_rng(seed).uniform(0.45, 0.55, (n, 1, side, side))


def margins(weights: Floats, bias: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Labels, and the exact distances of the nearest other class in Linf and L2."""
    logits = x.reshape(len(x), -1) @ weights.T + bias
    y = logits.argmax(axis=1)
    linf, l2 = np.full(len(x), np.inf), np.full(len(x), np.inf)
    for i, label in enumerate(y):
        for other in set(range(len(bias))) - {int(label)}:
            way = weights[other] - weights[label]
            gap = logits[i, label] - logits[i, other]
            linf[i] = min(linf[i], gap / np.abs(way).sum())
            l2[i] = min(l2[i], gap / np.sqrt((way**2).sum()))
    return y, linf, l2


def ball(norm: Any, radius: float) -> NormBall:
    return NormBall(norm=norm, radius=radius, grid=FINE)


def application(
    weights: Floats, bias: Floats, draw: Callable[[int, int], Floats] = images, n: int = 60
) -> Application:
    """A linear application on images; every label is right."""
    target = LinearTarget(weights, bias)
    parts = {}
    for k, part in enumerate(PARTS):
        x = np.round(draw(n, 10 + k) * 255) / 255
        parts[part] = Data(x=x, y=(x.reshape(n, -1) @ weights.T + bias).argmax(axis=1))
    side = int(np.sqrt(weights.shape[1]))
    return Application(
        name="linear",
        target=target,
        data=Splits(**parts),
        domain=ImageDomain(shape=(1, side, side)),
        classes=tuple(f"class {k}" for k in range(len(bias))),
    )


def dealt(
    app: Application, task: str, game: Evasion | None = None
) -> Deal[EvasionQuestion, CleanState]:
    game = game or Evasion(n=40)
    chosen = next(t for t in game.tasks(app) if t.name == task)
    return game.deal(app, chosen, np.random.default_rng(3))
