"""Everything without a fast path is trained one after the other, or over processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler
from sklearn.svm import LinearSVC

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer, fit_strategy
from tests.training.samples import TEXT, counts, loop, rows, subsets, table, texts

SLOW: dict[str, tuple[Any, str]] = {
    "max_features": (
        make_pipeline(CountVectorizer(max_features=20), MultinomialNB()),
        "max_features or a vocabulary",
    ),
    "vocabulary": (
        make_pipeline(TfidfVectorizer(vocabulary=["bala", "cala"]), LogisticRegression()),
        "max_features or a vocabulary",
    ),
    "l1_norm": (
        make_pipeline(TfidfVectorizer(norm="l1"), LogisticRegression()),
        "normalised by l1",
    ),
    "float32": (
        make_pipeline(TfidfVectorizer(dtype=np.float32), LogisticRegression()),
        "unusual input or dtype",
    ),
    "hashing": (
        make_pipeline(HashingVectorizer(n_features=64), LogisticRegression()),
        "texts go through HashingVectorizer",
    ),
    "bernoulli_tfidf": (make_pipeline(TfidfVectorizer(), BernoulliNB()), "BernoulliNB on tf-idf"),
    "alpha": (
        make_pipeline(CountVectorizer(), ComplementNB(alpha=0)),
        "alpha=0 has no fast path",
    ),
    "class_prior": (
        make_pipeline(CountVectorizer(), MultinomialNB(class_prior=[0.5, 0.5])),
        "class_prior",
    ),
    "l1": (
        make_pipeline(TfidfVectorizer(), LogisticRegression(l1_ratio=1.0, solver="saga")),
        "l1_ratio=1.0",
    ),
    "liblinear": (
        make_pipeline(TfidfVectorizer(), LogisticRegression(solver="liblinear")),
        "solver='liblinear'",
    ),
    "weights": (
        make_pipeline(TfidfVectorizer(), LogisticRegression(class_weight={0: 1.0, 1: 2.0})),
        "class_weight={0: 1.0, 1: 2.0}",
    ),
    "svm": (make_pipeline(TfidfVectorizer(), LinearSVC()), "LinearSVC has no fast path"),
}


@pytest.mark.parametrize("name", SLOW)
def test_what_is_not_exact_falls_back_and_says_why(name: str) -> None:
    estimator, reason = SLOW[name]
    said = fit_strategy(SklearnTrainer(estimator, ("a", "b"), TEXT)).reason
    assert said.startswith("one after the other: ")
    assert reason in said


def test_tables_fall_back_too() -> None:
    scaled = make_pipeline(RobustScaler(), LogisticRegression())
    assert "RobustScaler" in fit_strategy(SklearnTrainer(scaled, ("a", "b"), table(3))).reason
    assert "GaussianNB" in fit_strategy(SklearnTrainer(GaussianNB(), ("a", "b"), table(3))).reason
    coded = TableDomain(columns=(Column(name="c", kind="category", categories=("x",)),), named=True)
    assert (
        "categories" in fit_strategy(SklearnTrainer(LogisticRegression(), ("a", "b"), coded)).reason
    )


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(p=3),
        GaussianNB(priors=[0.2, 0.3, 0.5]),
        make_pipeline(MinMaxScaler(), GaussianNB()),
    ],
)
def test_generic_equals_the_loop(estimator: Any) -> None:
    data = rows(classes=3)
    masks = subsets(data, models=4)
    ensemble = SklearnTrainer(estimator, ("a", "b", "c"), table(6)).fit_many(data, masks, range(4))
    found = ensemble.scores(data.x)
    np.testing.assert_array_equal(found, loop(estimator, data, masks, data.x))
    assert len(ensemble) == 4
    np.testing.assert_array_equal(ensemble.labels(data.x), found.argmax(axis=2))
    np.testing.assert_array_equal(ensemble.target(1).answer(data.x, View.SCORES).scores, found[1])


def test_processes_give_the_same_models() -> None:
    data = rows()
    masks = subsets(data, models=5)
    forest = RandomForestClassifier(n_estimators=5)
    alone = SklearnTrainer(forest, ("a", "b"), table(6)).fit_many(data, masks, range(5))
    shared = SklearnTrainer(forest, ("a", "b"), table(6), compute=ComputeSettings(jobs=2)).fit_many(
        data, masks, range(5)
    )
    np.testing.assert_array_equal(alone.scores(data.x), shared.scores(data.x))


def test_seeds_decide() -> None:
    data = rows()
    masks = np.repeat(subsets(data, models=1), 3, axis=0)
    trainer = SklearnTrainer(RandomForestClassifier(n_estimators=5), ("a", "b"), table(6))
    scores = trainer.fit_many(data, masks, [1, 2, 1]).scores(data.x)
    np.testing.assert_array_equal(scores[0], scores[2])
    assert not np.array_equal(scores[0], scores[1])
    single = trainer.fit(data.take(masks[0]), 2).answer(data.x, View.SCORES).scores
    np.testing.assert_array_equal(scores[1], single)


def test_models_without_scores_say_so() -> None:
    data = rows()
    masks = subsets(data, models=2)
    plain = SklearnTrainer(_OnlyLabels(), ("a", "b"), table(6)).fit_many(data, masks, [0, 1])
    assert plain.labels(data.x).shape == (2, 150)
    with pytest.raises(NotOffered, match="offers labels, not scores"):
        plain.scores(data.x)


def test_masks_and_seeds_must_fit() -> None:
    data = counts()
    trainer = SklearnTrainer(MultinomialNB(), ("a", "b"), table(12))
    with pytest.raises(DataError, match="do not fit 150 records"):
        trainer.fit_many(data, subsets(data)[:, :-1], range(9))
    with pytest.raises(DataError, match="with 2 seeds"):
        trainer.fit_many(data, subsets(data), range(2))
    masks = subsets(data)
    masks[7] = False
    with pytest.raises(DataError, match="model 7 of 9 has no records"):
        trainer.fit_many(data, masks, range(9))


def test_training_on_one_class_says_what_came() -> None:
    data = rows()
    one = Data(x=data.x, y=np.zeros(len(data), dtype=np.int64))
    trainer = SklearnTrainer(LogisticRegression(), ("a", "b"), table(6))
    with pytest.raises(DataError, match="on 150 records \\(class 0: 150\\) raised ValueError"):
        trainer.fit(one, 0)
    with pytest.raises(DataError, match="no records to train on"):
        trainer.fit(one.take(slice(0, 0)), 0)


def test_vectorised_texts_equal_the_loop() -> None:
    data = texts()
    masks = subsets(data, models=3)
    pipeline = make_pipeline(CountVectorizer(max_features=20), MultinomialNB())
    found = SklearnTrainer(pipeline, ("a", "b"), TEXT).fit_many(data, masks, range(3))
    np.testing.assert_array_equal(found.scores(data.x), loop(pipeline, data, masks, data.x))


class _OnlyLabels:
    """A clonable estimator with labels only."""

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:
        del deep
        return {}

    def set_params(self, **params: Any) -> _OnlyLabels:
        assert not params
        return self

    def fit(self, x: Any, y: Any) -> _OnlyLabels:
        self.classes_, self.middle_ = np.unique(y), x[:, 0].mean()
        return self

    def predict(self, x: Any) -> Any:
        return (x[:, 0] > self.middle_).astype(np.int64)
