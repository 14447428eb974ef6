"""Steered training of scikit-learn estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.data import Data, Ints
from goalkeeper.core.domain import Column, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.steering import Steering
from goalkeeper.core.text import texts
from goalkeeper.training import FunctionTrainer, SklearnTrainer

RNG = np.random.default_rng(0)
ROWS = Data(x=RNG.normal(size=(60, 3)), y=RNG.integers(0, 2, 60))
DOMAIN = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(3)))
ONLINE = SGDClassifier(loss="log_loss", max_iter=3, tol=None)


def trainer(estimator: Any) -> SklearnTrainer:
    return SklearnTrainer(estimator, ["no", "yes"], DOMAIN)


def weights(target: Any) -> Any:
    return np.append(target.parameters()["weights"], target.parameters()["bias"])


def test_what_can_be_steered() -> None:
    assert trainer(ONLINE).steerable == {"order", "weights"}
    assert trainer(make_pipeline(StandardScaler(), ONLINE)).steerable == {"order", "weights"}
    assert trainer(LogisticRegression()).steerable == {"weights"}
    assert trainer(RandomForestClassifier()).steerable == {"weights"}
    assert trainer(KNeighborsClassifier()).steerable == frozenset()
    assert FunctionTrainer(lambda: ONLINE, ["a", "b"], DOMAIN).steerable == {"order", "weights"}
    own = FunctionTrainer(lambda x, y, seed: ONLINE.fit(x, y), ["a", "b"], DOMAIN)
    assert own.steerable == frozenset()
    with pytest.raises(NotOffered, match="cannot be steered"):
        own.fit_steered(ROWS, 0, Steering(seed=1))


@pytest.mark.requirement("S18")
def test_every_pass_learns_the_rows_in_the_order_given() -> None:
    """The model is that of the same estimator, shown the same rows one after the other."""
    seen: list[tuple[int, list[int]]] = []

    def order(honest: Ints, labels: Ints, epoch: int) -> Ints:
        assert sorted(honest.tolist()) == list(range(60))
        np.testing.assert_array_equal(labels, ROWS.y)
        seen.append((epoch, honest.tolist()))
        return np.arange(60)[::-1]

    steered = trainer(ONLINE).fit_steered(ROWS, 5, Steering(order=order))
    assert [epoch for epoch, _ in seen] == [0, 1, 2]
    assert seen[0][1] != seen[1][1]
    by_hand = SGDClassifier(loss="log_loss", shuffle=False, random_state=0)
    for _ in range(3):
        by_hand.partial_fit(ROWS.x[::-1], ROWS.y[::-1], classes=[0, 1])
    np.testing.assert_allclose(weights(steered), np.append(by_hand.coef_, by_hand.intercept_))


def test_the_same_seed_and_order_give_the_same_model() -> None:
    def order(honest: Ints, labels: Ints, epoch: int) -> Ints:
        return honest

    first, again, other = (
        weights(trainer(ONLINE).fit_steered(ROWS, seed, Steering(order=order)))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0
    forced = weights(trainer(ONLINE).fit_steered(ROWS, 2, Steering(seed=1, order=order)))
    np.testing.assert_array_equal(first, forced)


@pytest.mark.requirement("S18")
def test_a_weight_of_zero_leaves_a_record_out() -> None:
    part = np.arange(60) < 40
    steered = trainer(LogisticRegression()).fit_steered(
        ROWS, 0, Steering(weights=part.astype(float))
    )
    alone = trainer(LogisticRegression()).fit(ROWS.take(part), 0)
    np.testing.assert_allclose(weights(steered), weights(alone), atol=1e-3)


def test_no_steering_is_the_ordinary_training() -> None:
    plain = trainer(ONLINE).fit(ROWS, 3)
    steered = trainer(ONLINE).fit_steered(ROWS, 3, Steering())
    np.testing.assert_array_equal(weights(plain), weights(steered))


def test_texts_are_steered_through_their_pipeline() -> None:
    words = ["red", "blue", "green", "tall"]
    data = Data(
        x=texts(" ".join(RNG.choice(words, 6)) for _ in range(40)), y=RNG.integers(0, 2, 40)
    )
    made = SklearnTrainer(
        make_pipeline(TfidfVectorizer(), SGDClassifier(max_iter=2, tol=None)),
        ["a", "b"],
        TextDomain(),
    )

    def last(honest: Ints, labels: Ints, epoch: int) -> Ints:
        return honest[np.argsort(labels[honest], kind="stable")]

    target = made.fit_steered(data, 0, Steering(order=last, weights=np.ones(40)))
    assert target.answer(data.x, View.LABELS).labels.shape == (40,)


def test_what_cannot_be_steered_is_refused() -> None:
    with pytest.raises((NotOffered, TargetError), match="cannot be trained with a given order"):
        trainer(LogisticRegression()).fit_steered(ROWS, 0, Steering(order=lambda h, y, e: h))
    with pytest.raises((NotOffered, TargetError), match="a given weights"):
        trainer(KNeighborsClassifier()).fit_steered(ROWS, 0, Steering(weights=np.ones(60)))
