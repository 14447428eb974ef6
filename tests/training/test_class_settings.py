"""Settings of an estimator may name the classes, although it is trained again on their indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer
from goalkeeper.training.recipes import refuse_unsorted_priors

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


def test_the_class_of_a_threshold_may_be_named() -> None:
    strict = FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label="yes",
                                      response_method="predict_proba")  # fmt: skip
    expected = LogisticRegression().fit(X, Y).predict_proba(X)[:, 1] >= 0.9
    trained = SklearnTrainer(strict, CLASSES, DOMAIN).fit(Data(x=X, y=Y), 0)
    assert np.array_equal(trained.answer(X, View.LABELS).labels, expected)


def test_numbers_by_the_order_of_classes_are_refused_where_two_orders_are_possible() -> None:
    model = make_pipeline(StandardScaler(), GaussianNB(priors=[0.9, 0.1]))
    refuse_unsorted_priors(model, ("no", "yes"))
    refuse_unsorted_priors(model, (9, 10))  # type: ignore[arg-type]
    refuse_unsorted_priors(GaussianNB(priors=[0.5, 0.5]), ("yes", "no"))
    with pytest.raises(TargetError, match=r"gaussiannb__priors.*classes: \[no, yes\]"):
        refuse_unsorted_priors(model, ("yes", "no"))
