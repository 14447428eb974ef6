"""Small tables, and applications whose model is any function of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Floats, Inputs, Ints, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

SIZES = {"train": 300, "holdout": 150, "calibration": 60, "similar": 20}


class FunctionTarget:
    """Answers with the classes, or with the scores, that a function gives."""

    def __init__(self, function: Callable[[Floats], Any], *, scored: bool = False) -> None:
        self.function, self.offers = function, View.SCORES if scored else View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        given = np.asarray(self.function(np.asarray(x)))
        if view < View.SCORES and given.ndim == 1:
            return Answers(given.astype(np.int64))
        return Answers(given.argmax(axis=1), given)

    def parameters(self) -> Mapping[str, Any]:
        raise NotOffered("none")

    def artefact(self) -> Path:
        raise NotOffered("none")


def rows(seed: int, n: int, classes: int = 2, width: int = 4) -> tuple[Floats, Ints]:
    """Rows of which the first `classes` columns decide, and their classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, max(width, classes)))
    return x, x[:, :classes].argmax(axis=1)


def application(
    function: Callable[[Floats], Any],
    *,
    x: Floats | None = None,
    y: Ints | None = None,
    classes: int = 2,
    scored: bool = False,
    sizes: Mapping[str, int] = SIZES,
) -> Application:
    """An application of rows `x` with classes `y`; by default those of `rows`."""
    total = sum(sizes.values())
    if x is None or y is None:
        x, y = rows(1, total, classes)
    edges = np.cumsum([0, *sizes.values()])
    parts = {
        name: Data(x=x[a:b], y=y[a:b])
        for name, a, b in zip(sizes, edges[:-1], edges[1:], strict=True)
    }
    columns = tuple(Column(name=f"f{9 - j}") for j in range(x.shape[1]))  # sorted the other way
    return Application(
        name="table",
        target=FunctionTarget(function, scored=scored),
        data=Splits(**parts),
        domain=TableDomain(columns=columns),
        classes=tuple(f"c{i}" for i in range(classes)),
    )
