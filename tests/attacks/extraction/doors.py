"""Accesses to small applications, granted as an attacker would have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Inputs, Splits, cut
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.text import texts
from goalkeeper.examples.spam_filter import mail
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.targets import SklearnTarget

SHARES = {"train": 0.4, "holdout": 0.3, "calibration": 0.1, "similar": 0.2}


def access_to(
    app: Application,
    queries: float,
    view: View = View.SCORES,
    data: Grade = Grade.NONE,
    model: Grade = Grade.NONE,
) -> Access:
    granted = Power(
        knowledge=Knowledge(algorithm=Grade.PARTIAL, data=data, model=model),
        capabilities=Capability.M2,
        view=view,
        budget=Budget(queries=queries),
    )
    rng = np.random.default_rng(1)
    return Access(app, Terms(granted=granted, rng=rng, victim=np.random.SeedSequence(2)))


def table(columns: int, low: float = -1.0, high: float = 1.0) -> TableDomain:
    return TableDomain(
        columns=tuple(Column(name=f"c{j}", low=low, high=high) for j in range(columns))
    )


def around(target: Any, domain: Domain, classes: int, seed: int = 0) -> Application:
    """Wrap a target of a table or of images; the data is uniform."""
    rng = np.random.default_rng(seed)

    def draw(n: int) -> Data:
        if isinstance(domain, ImageDomain):
            x = rng.uniform(domain.low, domain.high, (n, *domain.shape))
        else:
            assert isinstance(domain, TableDomain)
            low, high = domain.bounds()
            low, high = np.where(np.isfinite(low), low, -1), np.where(np.isfinite(high), high, 1)
            x = domain.project(low + rng.random((n, len(low))) * (high - low))
        return Data(x=x, y=rng.integers(0, classes, n))

    return Application(
        name="test",
        target=target,
        data=Splits(train=draw(50), holdout=draw(400), calibration=draw(50), similar=draw(200)),
        domain=domain,
        classes=tuple(f"k{k}" for k in range(classes)),
    )


def random_linear(columns: int, classes: int, seed: int, scale: float = 1.0) -> LinearTarget:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(classes, columns)) * scale
    return LinearTarget(weights, rng.normal(size=classes) * scale)


def mailbox(model: Any, mails: int = 2000) -> Application:
    """Train a text model on half of a generated mailbox."""
    frame = mail.generate(seed=1, mails=mails).frame
    y = (frame["label"] == "spam").to_numpy().astype(np.int64)
    data = cut(Data(x=texts(frame["text"]), y=y), SHARES)
    model.fit(data.train.x, data.train.y)
    classes: Sequence[str] = ("ham", "spam")
    target = SklearnTarget(model, classes, TextDomain(), indexed=True)
    return Application(
        name="mail",
        target=target,
        data=data,
        domain=TextDomain(),
        classes=tuple(classes),
        harmless=0,
    )


class Coarse:
    """A target whose scores are rounded to decimals, or to single precision."""

    def __init__(self, target: Any, decimals: int | None) -> None:
        self._target, self._decimals = target, decimals
        self.offers = View.SCORES

    def answer(self, x: Inputs, view: View) -> Answers:
        said = self._target.answer(x, View.SCORES)
        scores = (
            said.scores.astype(np.float32).astype(np.float64)
            if self._decimals is None
            else np.round(said.scores, self._decimals)
        )
        return Answers(said.labels, scores).cut(view)

    def parameters(self) -> Any:
        return self._target.parameters()

    def artefact(self) -> Any:
        return self._target.artefact()


def fidelity(app: Application, copy: Any) -> float:
    x = app.data.holdout.x
    return float((copy.predict(x) == app.target.answer(x, View.LABELS).labels).mean())


def with_target(app: Application, target: Any) -> Application:
    return replace(app, target=target)
