"""Small targets about which is known what they keep of their records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import PARTS, Data, Floats, Inputs, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

WIDTH = 4


class Function:
    """Answer with probabilities `(n, classes)` that a function gives."""

    offers = View.SCORES

    def __init__(self, scores: Any) -> None:
        self._scores = scores

    def answer(self, x: Inputs, view: View) -> Answers:
        scores = self._scores(np.asarray(x, dtype=np.float64))
        return Answers(scores.argmax(axis=1), scores)

    def parameters(self) -> Mapping[str, Any]:
        raise NotOffered("no")

    def artefact(self) -> Path:
        raise NotOffered("no")


def two(p: Floats) -> Floats:
    """Return the probabilities of both classes from that of class 1."""
    return np.column_stack([1 - p, p])


def shifted(shift: float, scores: Any, n: int = 1000, classes: int = 2, seed: int = 0) -> Any:
    """Build an application whose training rows lie `shift` higher in the first column."""
    rng = np.random.default_rng([seed, 5])
    parts = {}
    for part in PARTS:
        x = rng.normal(size=(n, WIDTH))
        x[:, 0] += shift * (part == "train")
        parts[part] = Data(x=x, y=rng.integers(0, classes, n))
    columns = tuple(Column(name=f"c{i}") for i in range(WIDTH))
    return Application(
        name="shifted",
        target=Function(scores),
        data=Splits(**parts),
        domain=TableDomain(columns=columns),
        classes=tuple(f"k{i}" for i in range(classes)),
    )
