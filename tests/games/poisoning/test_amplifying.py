"""The weakened application knows something without poison, so that poison can make it worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.attack_run import evaluate
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, cut
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import Status
from goalkeeper.core.power import View
from goalkeeper.games.poisoning.amplifying import PoisonAmplifyingTrainer
from goalkeeper.training import SklearnTrainer
from tests.contract.harness import enough
from tests.games.poisoning.poisoners import run_of
from tests.public_tables import SHARES

CLASSES = ("no", "yes")


def rows(n: int = 1500) -> Data:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 3)).clip(-5, 5)
    return Data(x=x, y=(x[:, 0] > 0).astype(np.int64))


def application(estimator: Any) -> Application:
    data = cut(rows(), SHARES)
    domain = TableDomain(columns=tuple(Column(name=f"c{j}", low=-5, high=5) for j in range(3)))
    trainer = SklearnTrainer(estimator, CLASSES, domain)
    return Application(
        name="table",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=CLASSES,
        trainer=trainer,
    )


# Leaves of 20 records leave boosting of 40 records one split, and those of 60 a tree of 40 none.
@pytest.mark.parametrize(
    ("estimator", "known"),
    [
        (LogisticRegression(), 40),
        (DecisionTreeClassifier(min_samples_leaf=60, random_state=0), 160),
        (HistGradientBoostingClassifier(min_samples_leaf=30, random_state=0), 80),
    ],
)
def test_as_many_records_stay_as_teach_something(estimator: Any, known: int) -> None:
    app = application(estimator)
    assert app.trainer is not None
    train = app.data.train
    weak = PoisonAmplifyingTrainer(app.trainer, train, np.random.default_rng(0))
    trained = weak.fit_many(train, np.ones((1, len(train)), dtype=bool), [0])
    assert len(weak._stays) == known
    holdout = app.data.holdout
    right = trained.target(0).answer(holdout.x, View.LABELS).labels == holdout.y
    assert right.mean() > 0.7


@pytest.mark.requirement("S30")
def test_flipped_labels_are_ruled_on_where_leaves_are_large() -> None:
    """The control failed: 40 records make no leaf of 60, and a constant gets no worse."""
    app = application(DecisionTreeClassifier(min_samples_leaf=60, random_state=0))
    result = evaluate(app, run_of(LabelFlips(), app, enough(LabelFlips)))
    assert result.status is Status.TESTED, result.controls
