"""An application that offers whatever `Access` has a method for, and hands out its own arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application, Ensemble, Feedback
from goalkeeper.core.data import Bools, Data, Inputs, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import Power, View
from goalkeeper.core.steering import Steering

ROWS = 40


class Net:
    """A network as far as `Access` knows one: it has weights of its own, and counts."""

    def __init__(self, weights: Any, count: Callable[[int, int], None]) -> None:
        self.weights, self.count = weights, count

    def __call__(self, x: Any) -> Any:
        self.count(len(x), 0)
        return x @ self.weights.T


class Whole:
    """A linear model that hides nothing: parameters and answers are its own arrays."""

    offers = View.GRADIENTS

    def __init__(self, weights: Any) -> None:
        self.weights = np.array(weights, dtype=np.float64)
        self.kept = {"points": np.arange(6.0), "words": ["a", "b"]}
        self.logits: dict[bytes, Any] = {}  # answers once given, which are given again

    def answer(self, x: Inputs, view: View) -> Answers:
        rows = np.asarray(x, dtype=np.float64)
        logits = self.logits.setdefault(rows.tobytes(), rows @ self.weights.T)
        labels = self.logits.setdefault(rows.tobytes() + b"labels", logits.argmax(axis=1))
        return Answers(labels, logits, logits)

    def parameters(self) -> Mapping[str, Any]:
        words = np.array(["one", "two"], dtype=object)
        return {"weights": self.weights, "vocabulary": words, "stored": self.kept}

    def artefact(self) -> Path:
        return Path("model.joblib")

    def network(self, count: Callable[[int, int], None]) -> Net:
        return Net(self.weights, count)

    def with_parameters(self, parameters: Mapping[str, Any]) -> Whole:
        return Whole(parameters["weights"])


class Averages:
    """Trains by class averages; can be steered."""

    recipe = "class averages"

    def fit(self, data: Data, seed: int) -> Whole:
        return Whole([data.x[data.y == k].mean(axis=0) for k in (0, 1)])

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        raise NotImplementedError

    def fit_steered(self, data: Data, seed: int, steering: Steering) -> Whole:
        return self.fit(data, seed)


class Lookalike(Averages):
    """The generic one of the same family."""

    recipe = "class averages, as others do it"


def part(start: int) -> Data:
    x = start + np.arange(2.0 * ROWS).reshape(ROWS, 2)
    people = np.array([f"p{i}" for i in range(ROWS)], dtype=object)
    return Data(x=x, y=np.arange(ROWS) % 2, columns={"person": people})


def application() -> Application:
    data = Splits(train=part(0), holdout=part(200), calibration=part(400), similar=part(600))
    return Application(
        name="everything",
        target=Averages().fit(data.train, 0),
        data=data,
        domain=TableDomain(columns=(Column(name="one"), Column(name="two"))),
        classes=("ham", "spam"),
        harmless=0,
        trainer=Averages(),
        lookalike=Lookalike(),
        labeller=lambda x, bases: bases.y,
        person="person",
        feedback=Feedback(share=0.5, rounds=3),
    )


def opened(granted: Power, app: Application | None = None, **terms: Any) -> Access:
    """Open a door with this power; three victims stand behind it, one a campaign."""
    app = app or application()
    given: dict[str, Any] = {
        "rng": np.random.default_rng(0),
        "victim": np.random.SeedSequence(1),
        "campaigns": 3,
        "victims": tuple(Whole([[i, 1.0], [1.0, i]]) for i in range(3)),
        **terms,
    }
    return Access(app, Terms(granted=granted, **given))
