"""A model whose membership is a Gaussian shift, so that the best possible attack is known.

The model answers record i with the logit b_i + DELTA * (was i in the training data) + noise of
standard deviation 1, drawn anew for every model; b_i is how easy the record is, with standard
deviation SPREAD. Whoever knows b_i can do no better than the likelihood ratio of two unit normal
laws DELTA apart: AUC Phi(DELTA / sqrt 2), true positives Phi(Phi^-1(f) + DELTA) at false alarms f.
A single threshold for all records has AUC Phi(DELTA / sqrt(2 (1 + SPREAD^2))).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, ndtr, ndtri

from goalkeeper.core.application import Answers, Application, Ensemble, Target
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

DELTA = 1.5
SPREAD = 2.0


class Shifted:
    """Inputs are `(n, 2)`: the record's number and its ease b_i."""

    offers = View.SCORES

    def __init__(self, members: set[int], seed: int) -> None:
        self.members, self.seed = members, seed

    def answer(self, x: Inputs, view: View) -> Answers:
        number = x[:, 0].astype(int)
        inside = np.array([i in self.members for i in number])
        noise = np.random.default_rng([self.seed, 3]).normal(size=10_000)[number]
        logit = x[:, 1] + DELTA * inside + noise
        scores = np.column_stack([expit(-logit), expit(logit)])
        return Answers(scores.argmax(axis=1), scores)

    def parameters(self) -> Mapping[str, Any]:
        raise NotOffered("no")

    def artefact(self) -> Path:
        raise NotOffered("no")


class Many:
    def __init__(self, models: list[Shifted]) -> None:
        self.models = models

    def __len__(self) -> int:
        return len(self.models)

    def scores(self, x: Inputs) -> Floats:
        return np.stack([m.answer(x, View.SCORES).scores for m in self.models])

    def labels(self, x: Inputs) -> Ints:
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        return self.models[i]


class ShiftTrainer:
    recipe = "shift"

    def fit(self, data: Data, seed: int) -> Shifted:
        return Shifted(set(data.x[:, 0].astype(int).tolist()), seed)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        return Many([self.fit(data.take(m), s) for m, s in zip(masks, seeds, strict=True)])


def application(seed: int, n: int = 1000) -> Application:
    rng = np.random.default_rng([seed, 1])
    parts = {}
    numbers = rng.permutation(4 * n).astype(np.float64)  # which say nothing of the part
    for i, part in enumerate(("train", "holdout", "calibration", "similar")):
        number = numbers[i * n : (i + 1) * n]
        x = np.column_stack([number, SPREAD * rng.normal(size=n)])
        parts[part] = Data(x=x, y=np.ones(n, dtype=np.int64))
    trainer = ShiftTrainer()
    return Application(
        name="gaussian",
        target=trainer.fit(parts["train"], 10**6 + seed),
        data=Splits(**parts),
        domain=TableDomain(columns=(Column(name="number"), Column(name="ease"))),
        classes=("a", "b"),
        trainer=trainer,
        lookalike=trainer,
    )


def best_auc() -> float:
    return float(ndtr(DELTA / np.sqrt(2)))


def threshold_auc() -> float:
    return float(ndtr(DELTA / np.sqrt(2 * (1 + SPREAD**2))))


def best_tpr(fpr: float) -> float:
    return float(ndtr(ndtri(fpr) + DELTA))
