"""Logistic regression on the fast path equals a tightly converged scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer, fit_strategy
from tests.training.pairs import pairwise
from tests.training.samples import TEXT, loop, rows, subsets, table, texts

FRONTS = {
    "tfidf": [TfidfVectorizer()],
    "min_df": [TfidfVectorizer(min_df=2)],
    "bigrams_sublinear": [TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)],
    "max_df_not_smooth": [TfidfVectorizer(max_df=0.5, smooth_idf=False)],
    "no_norm": [CountVectorizer(min_df=2), TfidfTransformer(norm=None)],
    "counts": [CountVectorizer()],
    "counts_min_df": [CountVectorizer(min_df=3)],
}
FINALS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weak": {"C": 20.0},
    "strong_balanced": {"C": 0.1, "class_weight": "balanced"},
    "no_intercept": {"fit_intercept": False},
}


def tight(params: dict[str, Any]) -> LogisticRegression:
    """The ordinary estimator, driven to its optimum."""
    return LogisticRegression(solver="newton-cg", tol=1e-10, max_iter=10_000, **params)


def compare(front: list[Any], params: dict[str, Any], domain: Any, data: Any, new: Any) -> None:
    classes = [f"k{c}" for c in range(int(data.y.max()) + 1)]
    masks = subsets(data)
    trainer = SklearnTrainer(make_pipeline(*front, LogisticRegression(**params)), classes, domain)
    assert fit_strategy(trainer).reason.startswith("together")
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    reference = make_pipeline(*front, tight(params))
    for x in (data.x, new):
        found = ensemble.scores(x)
        np.testing.assert_allclose(found, loop(reference, data, masks, x), atol=1e-6, rtol=0)
        np.testing.assert_array_equal(ensemble.labels(x), found.argmax(axis=2))
    for i in (0, len(masks) - 1):
        answer = ensemble.target(i).answer(new, View.LOGITS)
        np.testing.assert_allclose(answer.scores, ensemble.scores(new)[i], atol=1e-9)


@pytest.mark.parametrize(("front", "final", "classes"), pairwise(FRONTS, FINALS, [2, 3]))
def test_texts_equal_the_loop(front: str, final: str, classes: int) -> None:
    data, new = texts(classes=classes), texts(40, classes, seed=5).x
    compare(FRONTS[front], FINALS[final], TEXT, data, new)


@pytest.mark.parametrize("weighing", [None, "l2"])
def test_many_texts_with_a_weak_penalty_equal_the_loop(weighing: Literal["l2"] | None) -> None:
    """Curvature a million times the penalty, which float32 cannot tell from infinity."""
    data, front = texts(3000), [TfidfVectorizer(norm=weighing)]
    rng = np.random.default_rng(0)
    y = np.where(rng.random(3000) < 0.2, rng.integers(0, 2, 3000), data.y)
    data = replace(data, y=y)
    masks = rng.random((4, 3000)) < 0.5
    trainer = SklearnTrainer(make_pipeline(*front, LogisticRegression(C=200)), ("a", "b"), TEXT)
    found = trainer.fit_many(data, masks, range(4)).scores(data.x[:200])
    reference = make_pipeline(*front, tight({"C": 200}))
    expected = loop(reference, data, masks, data.x[:200])
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


SCALERS: dict[str, list[Any]] = {
    "scaled": [StandardScaler()],
    "only_mean": [StandardScaler(with_std=False)],
    "only_spread": [StandardScaler(with_mean=False)],
}


@pytest.mark.parametrize(("scaler", "final", "classes"), pairwise(SCALERS, FINALS, [2, 4]))
def test_tables_equal_the_loop(scaler: str, final: str, classes: int) -> None:
    data, new = rows(classes=classes), rows(50, classes=classes, seed=3).x
    compare(SCALERS[scaler], FINALS[final], table(6), data, new)


@pytest.mark.parametrize("classes", [2, 3])
def test_bare_tables_equal_the_loop(classes: int) -> None:
    data, new = rows(classes=classes), rows(50, classes=classes, seed=3).x
    compare([], {}, table(6), replace(data, x=data.x / 20), new / 20)


def test_wide_tables_equal_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goalkeeper.training.logistic.MAX_DECOMPOSED_COLUMNS", 10)
    data, new = rows(d=60), rows(40, d=60, seed=3).x
    compare([StandardScaler()], {}, table(60), data, new)


def test_named_tables_give_ordinary_models_with_names() -> None:
    data = rows()
    masks = subsets(data)
    for front in ([StandardScaler()], []):
        pipeline = make_pipeline(*front, LogisticRegression(C=0.01))
        trainer = SklearnTrainer(pipeline, ("a", "b"), table(6, named=True))
        ensemble = trainer.fit_many(data, masks, range(9))
        answer = ensemble.target(2).answer(data.x, View.SCORES)
        np.testing.assert_allclose(answer.scores, ensemble.scores(data.x)[2], atol=1e-9)


def test_answers_do_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    data = texts()
    masks = subsets(data, models=20)
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    trainer = SklearnTrainer(pipeline, ("a", "b"), TEXT)
    whole = trainer.fit_many(data, masks, range(20)).scores(data.x)
    np.testing.assert_array_equal(trainer.fit_many(data, masks, range(20)).scores(data.x), whole)
    part = trainer.fit_many(data, masks[3:5], [3, 4]).scores(data.x)
    np.testing.assert_allclose(part, whole[3:5], atol=1e-8, rtol=0)
    monkeypatch.setattr("goalkeeper.training.ensembles.CACHE_BYTES", 1)
    small = trainer.fit_many(data, masks, range(20)).scores(data.x)
    np.testing.assert_allclose(small, whole, atol=1e-8, rtol=0)


def test_subsets_without_one_of_many_classes_are_trained_by_scikit_learn() -> None:
    data = rows(classes=3)
    masks = subsets(data)
    masks[0] &= data.y != 1
    trainer = SklearnTrainer(LogisticRegression(max_iter=5000), ("a", "b", "c"), table(6))
    scores = trainer.fit_many(data, masks, range(9)).scores(data.x)
    alone = trainer.fit(data.take(masks[0]), 0).answer(data.x, View.SCORES).scores
    np.testing.assert_array_equal(scores[0], alone)
    assert (scores[0, :, 1] == 0).all(), "it never saw that class"
    assert (scores[1:, :, 1] > 0).all()


def test_a_subset_of_one_class_is_refused() -> None:
    data = rows(classes=3)
    masks = subsets(data)
    masks[0] &= data.y == 1
    trainer = SklearnTrainer(LogisticRegression(), ("a", "b", "c"), table(6))
    with pytest.raises(DataError, match=r"model 0 of 9: none of its .* is of class 'a'"):
        trainer.fit_many(data, masks, range(9))


def test_missing_values_are_refused() -> None:
    x = rows().x.copy()
    x[4, 1] = np.nan
    data = replace(rows(), x=x)
    trainer = SklearnTrainer(LogisticRegression(), ("a", "b"), table(6))
    with pytest.raises(DataError, match="1 of 150 rows hold NaN"):
        trainer.fit_many(data, subsets(data), range(9))
