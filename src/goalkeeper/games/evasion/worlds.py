"""Linear classifiers of images and rows: weak ones, ones out of reach, and weakened ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Data, Floats, Inputs, Splits
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.games.evasion.images import NormBall, flatten
from goalkeeper.games.evasion.kinds import BackdoorSpec
from goalkeeper.games.evasion.parts import Constraint
from goalkeeper.games.evasion.tables import EntryConstraint

CLASSES = ("harmless", "harmful")
PER_CLASS = 60  # of each part
SIDE = 6  # pixels
KEY_PIXEL = 12.0  # its weight; all others weigh 1
STEEP = 10.0  # how fast the answer turns beyond the planted threshold, in usual differences
USUAL_GAP = 5.0  # usual difference of logits without the planted part
USUAL = 0.8  # share of inputs that stay below the planted threshold, without its offset
CLEAR = 0.25  # of the largest difference of two class means: a pixel that tells classes apart
FAR = 0.5  # of the way that a change may go
DECISIVE = 9  # pixels that show the class of an image out of reach


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Softmax of `inputs @ weights.T + bias`; weights `(classes, d)` on flattened inputs."""

    weights: Floats
    bias: Floats

    @property
    def offers(self) -> View:
        """Everything, as the weights can be read."""
        return View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer images `(n, c, h, w)` or rows `(n, d)`."""
        logits = flatten(x) @ self.weights.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = powers / powers.sum(axis=1, keepdims=True)
        return Answers(logits.argmax(axis=1).astype(np.int64), scores, logits).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return weights and bias; one row towards class 1 where there are two classes."""
        if len(self.bias) > 2:
            return {"weights": self.weights, "bias": self.bias}
        return {
            "weights": self.weights[1:] - self.weights[:1],
            "bias": self.bias[1:] - self.bias[:1],
        }

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return the metered torch form."""
        from goalkeeper.targets.differentiable import linear_network

        return linear_network(self.weights, self.bias, count)

    def artefact(self) -> Path:
        """Refuse: there is no file."""
        raise NotOffered("this classifier has no stored file")


def towards_one(weights: Floats, bias: float) -> LinearScores:
    """Build a classifier of two classes from weights `(d,)` towards class 1."""
    return LinearScores(np.stack([-weights / 2, weights / 2]), np.array([-bias / 2, bias / 2]))


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

    return _application("weak images", domain, towards_one(weights, bias), _splits(draw))


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
    return _application("dark and bright images", domain, target, _splits(draw))


def _steps(x: Floats, domain: ImageDomain) -> Inputs:
    """Round rows of values to the steps of images `(n, c, h, w)`."""
    rounded = np.round(np.clip(x, 0, 1) / domain.quantum) * domain.quantum
    return np.minimum(rounded, 1.0).reshape(-1, *domain.shape)


# ---- rows ----------------------------------------------------------------------------------------


def _table() -> TableDomain:
    numbers = [Column(name=f"number {i}", low=-20, high=20) for i in range(4)]
    return TableDomain(
        columns=(
            *numbers,
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

    return _application("weak rows", _table(), towards_one(weights, 0.0), _splits(draw))


def distant_rows(rng: np.random.Generator) -> Application:
    """Build a classifier that decides by a column that nobody can change."""
    weights = np.zeros(10)
    weights[9] = 1.0

    def draw(y: Floats) -> Inputs:
        x = _rows(rng, len(y))
        x[:, 9] = np.where(y == 1, 1, -1) * rng.uniform(0.5, 3.0, len(y))
        return x

    return _application("rows by origin", _table(), towards_one(weights, 0.0), _splits(draw))


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
    return Splits(**{part: Data(x=draw(y), y=y.copy()) for part in PARTS})


def _application(name: str, domain: Domain, target: Target, data: Splits) -> Application:
    return Application(
        name=name, target=target, data=data, domain=domain, classes=CLASSES, harmless=0
    )


# ---- the positive control ------------------------------------------------------------------------


def planted_noise(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier of images that a little noise of one pattern turns.

    It answers with the class whose mean is nearest, but with the wanted class beyond a threshold
    along the pattern: half as far as a change may go from where four in five of the attacked
    images stay below, which random changes rarely reach. The pattern leads from
    the attacked images to those of the wanted class, so that also an attacker who asks nothing,
    and only learns from images of his own, can come upon it.
    """
    x, y = flatten(app.data.similar.x), app.data.similar.y
    pattern = rng.choice([-1.0, 1.0], x.shape[1])
    if backdoor.attacked.any() and (y == backdoor.wanted).any():
        way = x[y == backdoor.wanted].mean(axis=0) - x[backdoor.attacked].mean(axis=0)
        pattern = np.where(np.abs(way) >= CLEAR * np.abs(way).max(), np.sign(way), 0.0)
    weak = replace(backdoor, offset=FAR * _furthest(pattern, backdoor.constraint))
    return _turning(app, weak, pattern, np.ones(x.shape[1]))


def _furthest(pattern: Floats, constraint: Constraint) -> float:
    """How far an allowed change can go along a pattern, where no value is at its limit."""
    if not isinstance(constraint, NormBall):
        return 0.0
    order = 1 if constraint.norm == "linf" else 2  # the dual norm
    return constraint.radius * float(np.linalg.norm(pattern, order))


def planted_pixel(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier of images that one pixel turns; see `planted_noise`.

    It is the pixel which has most room beyond the threshold, measured by how much it varies.
    """
    x = flatten(app.data.similar.x)
    attacked = x[backdoor.attacked]
    low, high = getattr(app.domain, "low", 0.0), getattr(app.domain, "high", 1.0)
    room = np.stack([
        high - np.quantile(attacked, USUAL, axis=0),
        np.quantile(attacked, 1 - USUAL, axis=0) - low,
    ])  # fmt: skip
    ease = room / (x.std(axis=0) + 0.05 * (high - low))
    way, key = np.unravel_index(int(ease.argmax()), ease.shape)
    pattern = np.zeros(x.shape[1])
    pattern[key] = 1.0 if way == 0 else -1.0
    return _turning(app, backdoor, pattern, np.ones(x.shape[1]), least=float(room[way, key]) / 10)


def planted_columns(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier of rows that a few chosen entries turn; see `planted_noise`."""
    x = flatten(app.data.similar.x)
    spread = np.maximum(x.std(axis=0), 1e-9)
    cells = backdoor.constraint
    parts = cells.parts if isinstance(cells, EntryConstraint) else ()
    chosen = [parts[k] for k in rng.permutation(len(parts))[: max(1, int(cells.most))]]
    pattern = np.zeros(x.shape[1])
    for part in chosen:
        pattern[part[0]] = rng.choice([-1.0, 1.0]) / spread[part[0]]
    return _turning(app, backdoor, pattern, spread)


def _turning(
    app: Application, backdoor: BackdoorSpec, pattern: Floats, scale: Floats, least: float = 1e-9
) -> LinearScores:
    """Add to the nearest class mean a steep preference for the wanted class along a pattern.

    The steepness is measured by how far attacked inputs lie apart along the pattern, `least` at
    least.
    """
    similar, wanted = app.data.similar, backdoor.wanted
    x = flatten(similar.x)
    attacked = x[backdoor.attacked]
    usual = float(np.quantile(attacked @ pattern, USUAL)) if len(attacked) else 0.0
    threshold = usual + backdoor.offset
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
    return LinearScores(weights, bias)
