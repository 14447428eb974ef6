"""Settings of an estimator may name the classes, although it is trained again on their indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = (X[:, 0] + RNG.normal(size=200) > 0.8).astype(int)
DOMAIN = TableDomain(columns=tuple(Column(name=n, kind="number", low=-9.0, high=9.0) for n in "ab"))
CLASSES = ("no", "yes")


def scores(estimator: Any, classes: Any = CLASSES) -> Any:
    trained = SklearnTrainer(estimator, classes, DOMAIN).fit(Data(x=X, y=Y), 0)
    return trained.answer(X, View.SCORES).scores


@pytest.mark.parametrize("named", [{"no": 1, "yes": 5}, {0: 1, 1: 5}])
def test_class_weights_count_by_name_and_by_index(named: dict[Any, int]) -> None:
    expected = LogisticRegression(class_weight={0: 1, 1: 5}).fit(X, Y).predict_proba(X)
    assert np.allclose(scores(LogisticRegression(class_weight=named)), expected, atol=1e-3)
    within = make_pipeline(StandardScaler(), LogisticRegression(class_weight=named))
    assert np.allclose(scores(within), expected, atol=0.05)


def test_whole_numbers_are_names_where_the_classes_are_numbers() -> None:
    expected = LogisticRegression(class_weight={0: 1, 1: 5}).fit(X, Y).predict_proba(X)
    found = scores(LogisticRegression(class_weight={1: 1, 2: 5}), classes=(1, 2))
    assert np.allclose(found, expected, atol=1e-3)


def test_a_constant_answer_may_be_named() -> None:
    for model in (
        DummyClassifier(strategy="constant", constant="yes"),
        make_pipeline(StandardScaler(), DummyClassifier(strategy="constant", constant="yes")),
    ):
        assert (scores(model).argmax(axis=1) == 1).all()
