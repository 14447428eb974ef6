"""The rigged and the fair worlds of the evasion game: filters of texts, images and rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs, Splits
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.testing.worlds.kit import application, numbers, splits
from goalkeeper.testing.worlds.word_filters import stamped_filter, weak_filter

PER_CLASS = 60  # of each part
SIDE = 6  # pixels
KEY_PIXEL = 12.0  # its weight; all others weigh 1
DECISIVE = 9  # pixels that show the class of an image out of reach


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build an application that small changes flip, a few chosen ones or many together."""
    return {"text": weak_filter, "image": weak_images, "table": weak_rows}[domain](rng)


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build an application that decides by what no allowed change moves."""
    return {"text": stamped_filter, "image": distant_images, "table": distant_rows}[domain](rng)


def towards_one(weights: Floats, bias: float) -> LinearTarget:
    """Build a classifier of two classes from weights `(d,)` towards class 1."""
    return LinearTarget(np.stack([-weights / 2, weights / 2]), np.array([-bias / 2, bias / 2]))


# ---- images --------------------------------------------------------------------------------------


def weak_images(rng: np.random.Generator) -> Application:
    """Build a classifier that turns on a little noise against it, or on one pixel."""
    domain = ImageDomain(shape=(1, SIDE, SIDE))
    size = SIDE * SIDE
    weights = rng.choice([-1.0, 1.0], size)
    weights[int(rng.integers(size))] *= KEY_PIXEL
    bias = float(-weights.sum() / 2)

    def draw(y: Floats) -> Inputs:
        x = rng.uniform(0.4, 0.6, (len(y), size))
        margin = np.where(y == 1, 1, -1) * rng.uniform(2.0, 3.0, len(y))
        x += np.outer((margin - x @ weights - bias) / (weights @ weights), weights)
        return _steps(x, domain)

    return application("weak images", towards_one(weights, bias), _splits(draw), domain)


def distant_images(rng: np.random.Generator) -> Application:
    """Build a classifier by some pixels, dark or bright: no allowed change makes one the other."""
    domain = ImageDomain(shape=(1, SIDE, SIDE))
    size = SIDE * SIDE
    weights = np.zeros(size)
    weights[rng.choice(size, DECISIVE, replace=False)] = 1.0

    def draw(y: Floats) -> Inputs:
        middle = np.where(y == 1, 0.93, 0.07)[:, None]
        decisive = middle + rng.uniform(-0.07, 0.07, (len(y), size))
        return _steps(np.where(weights > 0, decisive, rng.random((len(y), size))), domain)

    target = towards_one(weights, -DECISIVE / 2)
    return application("dark and bright images", target, _splits(draw), domain)


def _steps(x: Floats, domain: ImageDomain) -> Inputs:
    """Round rows of values to the steps of images `(n, c, h, w)`."""
    rounded = np.round(np.clip(x, 0, 1) / domain.quantum) * domain.quantum
    return np.minimum(rounded, 1.0).reshape(-1, *domain.shape)


# ---- rows ----------------------------------------------------------------------------------------


def _table() -> TableDomain:
    return TableDomain(
        columns=(
            *numbers(4, -20, 20, "number "),
            Column(name="count", kind="integer", low=0, high=10),
            Column(name="kind", kind="category", categories=("red", "green", "blue")),
            *(Column(name=f"option {i}", kind="integer", low=0, high=1) for i in range(3)),
            Column(name="origin", low=-20, high=20, immutable=True),
        ),
        one_hot=((6, 7, 8),),
    )


def weak_rows(rng: np.random.Generator) -> Application:
    """Build a classifier that a small change of one number turns."""
    weights = np.array([6.0, 0.3, -0.3, 0.3, 0.05, 0.1, 0.1, 0.0, -0.1, 3.0])

    def draw(y: Floats) -> Inputs:
        x = _rows(rng, len(y))
        x[:, 0] = 0
        margin = np.where(y == 1, 1, -1) * rng.uniform(0.8, 1.6, len(y))
        x[:, 0] = (margin - x @ weights) / weights[0]
        return x

    return application("weak rows", towards_one(weights, 0.0), _splits(draw), _table())


def distant_rows(rng: np.random.Generator) -> Application:
    """Build a classifier that decides by a column that nobody can change."""
    weights = np.zeros(10)
    weights[9] = 1.0

    def draw(y: Floats) -> Inputs:
        x = _rows(rng, len(y))
        x[:, 9] = np.where(y == 1, 1, -1) * rng.uniform(0.5, 3.0, len(y))
        return x

    return application("rows by origin", towards_one(weights, 0.0), _splits(draw), _table())


def _rows(rng: np.random.Generator, n: int) -> Floats:
    x = np.zeros((n, 10))
    x[:, :4] = rng.standard_normal((n, 4))
    x[:, 4] = rng.integers(0, 11, n)
    x[:, 5] = rng.integers(0, 3, n)
    x[:, 6:9] = np.eye(3)[rng.integers(0, 3, n)]
    x[:, 9] = 1.5 * rng.standard_normal(n)
    return x


def _splits(draw: Callable[[Floats], Inputs]) -> Splits:
    y = np.repeat([0, 1], PER_CLASS)
    return splits(lambda: Data(x=draw(y), y=y.copy()))
