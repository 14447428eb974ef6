"""Targets that score by likeness to class averages (rigged, weakened), or to nothing (fair)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Floats, Splits
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.text import texts
from goalkeeper.games.inversion.questions import FeatureMatrix
from goalkeeper.games.shared.simple_targets import WORDS, LinearTarget

CLASSES = ("a", "b", "c", "d")
RECORDS = 240  # of each part
WIDTH = 12  # columns of the small tables
SIDE = 4  # pixels of the small images
MANY = 60  # words of the small texts


@dataclass(frozen=True, eq=False)
class Readable(LinearTarget):
    """A linear target that also has a differentiable form, and takes images."""

    def features(self, x: Any) -> Floats:
        """Count words, or take columns or pixels as they are: `(n, d)`."""
        if self.vocabulary:
            return super().features(x)
        return np.asarray(x, dtype=np.float64).reshape(len(x), -1)

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return a metered torch module, `(n, ...)` to logits `(n, classes)`."""
        from goalkeeper.targets.torch import metered, need_torch

        torch = need_torch()
        layer = torch.nn.Linear(self.weights.shape[1], len(self.bias))
        with torch.no_grad():
            layer.weight.copy_(torch.as_tensor(self.weights))
            layer.bias.copy_(torch.as_tensor(self.bias))
        module = torch.nn.Sequential(torch.nn.Flatten(), layer)
        for parameter in module.parameters():
            parameter.requires_grad = False
        return metered(module, len(self.bias), count)


def by_likeness(known: FeatureMatrix, classes: int, vocabulary: tuple[str, ...] = ()) -> Readable:
    """Score inputs by how near they are to each class average, all columns counting alike."""
    means = known.means(classes)
    means = np.where(np.isnan(means), known.matrix.mean(axis=0), means)
    spread = known.matrix.std(axis=0)
    weights = (means - means.mean(axis=0)) / np.where(spread > 0, spread, 1.0) ** 2
    bias = -0.5 * (weights * (means + means.mean(axis=0))).sum(axis=1)
    # Scores of 0 and 1 would hide what a query shows: logits have a spread of about 2.
    scale = 2.0 / max(float((known.matrix @ weights.T + bias).std()), 1e-9)
    return Readable(weights * scale, bias * scale, vocabulary)


# ---- small applications --------------------------------------------------------------------------


def small(domain: str, rng: np.random.Generator, *, leaks: bool) -> Application:
    """Build an application whose classes differ, and a target that shows how or knows nothing.

    Similar data differ the other way round: they tell nothing of the training data.

    The blind target has weights as large as the other's, with a sign drawn for each.
    """
    width = {"text": MANY, "table": WIDTH, "image": SIDE * SIDE}[domain]
    shift = rng.normal(size=(len(CLASSES), width))
    other = -shift
    drawn = {p: _drawn(domain, other if p == "similar" else shift, rng) for p in PARTS}
    data = Splits(**drawn)
    matrix, vocabulary = _matrix(domain, data.train)
    target = by_likeness(FeatureMatrix(matrix, data.train.y, ()), len(CLASSES), vocabulary)
    if not leaks:
        size = np.abs(target.weights).mean()
        target = Readable(rng.normal(size=target.weights.shape) * size, target.bias, vocabulary)
    return Application(
        name="average" if leaks else "blind",
        target=target,
        data=data,
        domain=_domain(domain),
        classes=CLASSES,
        harmless=0,
    )


def _drawn(domain: str, shift: Floats, rng: np.random.Generator) -> Data:
    y = rng.integers(0, len(CLASSES), RECORDS)
    if domain == "text":
        odds = 1 / (1 + np.exp(1.5 - 1.5 * shift))
        has = rng.random((RECORDS, MANY)) < odds[y]
        marks = rng.integers(0, 10**12, RECORDS).tolist()  # no text stands in two parts
        said = (" ".join(WORDS[j] for j in np.flatnonzero(row)) for row in has)
        return Data(x=texts(f"{t} {m}" for t, m in zip(said, marks, strict=True)), y=y)
    noise = rng.normal(size=(RECORDS, shift.shape[1]))
    rows = np.clip(0.5 + 0.1 * (shift[y] + noise), 0.0, 1.0)
    return Data(x=rows.reshape(-1, 1, SIDE, SIDE) if domain == "image" else rows, y=y)


def _matrix(domain: str, data: Data) -> tuple[Floats, tuple[str, ...]]:
    if domain != "text":
        return np.asarray(data.x, dtype=np.float64).reshape(len(data), -1), ()
    vocabulary = WORDS[:MANY]
    probe = LinearTarget(np.zeros((2, MANY)), np.zeros(2), vocabulary)
    return probe.features(data.x), vocabulary


def _domain(domain: str) -> Domain:
    if domain == "text":
        return TextDomain()
    if domain == "image":
        return ImageDomain(shape=(1, SIDE, SIDE))
    return TableDomain(columns=tuple(Column(name=f"c{i}", low=0, high=1) for i in range(WIDTH)))
