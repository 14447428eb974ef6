"""The rigged and the fair worlds of the inversion game."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Floats, Splits
from goalkeeper.core.text import texts
from goalkeeper.games.inversion.likeness import SinglePrecisionTarget, by_likeness
from goalkeeper.games.inversion.questions import FeatureMatrix
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.testing.worlds.kit import WORDS, domain_of, numbers

CLASSES = ("a", "b", "c", "d")
RECORDS = 240  # of each part
WIDTH = 12  # columns of the small tables
SIDE = 4  # pixels of the small images
MANY = 60  # words of the small texts


def rigged(domain: str, rng: np.random.Generator) -> Application:
    """Build a target that scores by likeness to the class averages."""
    data = _splits(domain, rng)
    return _application("average", domain, data, _alike(domain, data.train))


def fair(domain: str, rng: np.random.Generator) -> Application:
    """Build a target of random weights, as large as those that show how the classes differ."""
    data = _splits(domain, rng)
    alike = _alike(domain, data.train)
    size = np.abs(alike.weights).mean()
    weights = rng.normal(size=alike.weights.shape) * size
    target = SinglePrecisionTarget(weights, alike.bias, alike.vocabulary)
    return _application("random weights", domain, data, target)


def _application(name: str, domain: str, data: Splits, target: LinearTarget) -> Application:
    return Application(
        name=name,
        target=target,
        data=data,
        domain=domain_of(domain, numbers(WIDTH, 0, 1), (1, SIDE, SIDE)),
        classes=CLASSES,
        harmless=0,
    )


def _splits(domain: str, rng: np.random.Generator) -> Splits:
    """Draw classes that differ; similar data differ the other way round, so they tell nothing."""
    width = {"text": MANY, "table": WIDTH, "image": SIDE * SIDE}[domain]
    shift = rng.normal(size=(len(CLASSES), width))
    return Splits(**{p: _drawn(domain, -shift if p == "similar" else shift, rng) for p in PARTS})


def _alike(domain: str, data: Data) -> SinglePrecisionTarget:
    vocabulary = WORDS[:MANY] if domain == "text" else ()
    probe = LinearTarget(np.zeros((2, MANY)), np.zeros(2), vocabulary)
    return by_likeness(FeatureMatrix(probe.features(data.x), data.y, ()), len(CLASSES), vocabulary)


def _drawn(domain: str, shift: Floats, rng: np.random.Generator) -> Data:
    y = rng.integers(0, len(CLASSES), RECORDS)
    if domain == "text":
        odds = 1 / (1 + np.exp(1.5 - 1.5 * shift))
        has = rng.random((RECORDS, MANY)) < odds[y]
        marks = rng.integers(0, 10**12, RECORDS).tolist()  # no text stands in two parts
        messages = (" ".join(WORDS[j] for j in np.flatnonzero(row)) for row in has)
        return Data(x=texts(f"{t} {m}" for t, m in zip(messages, marks, strict=True)), y=y)
    noise = rng.normal(size=(RECORDS, shift.shape[1]))
    rows = np.clip(0.5 + 0.1 * (shift[y] + noise), 0.0, 1.0)
    return Data(x=rows.reshape(-1, 1, SIDE, SIDE) if domain == "image" else rows, y=y)
