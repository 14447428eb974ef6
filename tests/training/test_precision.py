"""Fast precision stays within 1e-4 of full, and within the optimum that scikit-learn stops at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer
from tests.training.samples import TEXT, counts, rows, subsets, table, texts

FAST = ComputeSettings(precision="fast")
CASES: dict[str, tuple[Any, Data, Domain]] = {
    "multinomial": (make_pipeline(CountVectorizer(), MultinomialNB()), texts(), TEXT),
    "complement": (make_pipeline(CountVectorizer(), ComplementNB()), texts(classes=3), TEXT),
    "bernoulli": (make_pipeline(CountVectorizer(), BernoulliNB()), texts(), TEXT),
    "counted table": (MultinomialNB(), counts(), table(12)),
    "tf-idf": (make_pipeline(TfidfVectorizer(), LogisticRegression()), texts(), TEXT),
    "table": (make_pipeline(StandardScaler(), LogisticRegression()), rows(), table(6)),
    "three classes": (
        make_pipeline(StandardScaler(), LogisticRegression()),
        rows(classes=3),
        table(6),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fast_scores_are_those_of_full(case: str) -> None:
    estimator, data, domain = CASES[case]
    classes, masks = tuple("abc"[: data.y.max() + 1]), subsets(data)
    full, fast = (
        SklearnTrainer(estimator, classes, domain, compute=compute).fit_many(
            data, masks, range(len(masks))
        )
        for compute in (ComputeSettings(), FAST)
    )
    assert fast.scores(data.x).dtype == np.float32
    np.testing.assert_allclose(fast.scores(data.x), full.scores(data.x), atol=1e-4, rtol=0)
    alone = fast.target(2).answer(data.x, View.SCORES).scores
    np.testing.assert_allclose(alone, full.scores(data.x)[2], atol=1e-4, rtol=0)


def test_fast_logistic_regression_is_nearer_to_the_optimum_than_scikit_learn() -> None:
    data, masks = rows(600), subsets(rows(600))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    trainer = SklearnTrainer(pipeline, ("a", "b"), table(6), compute=FAST)
    fast = trainer.fit_many(data, masks, range(len(masks)))
    for i, mask in enumerate(masks):
        x, y = data.x[mask], data.y[mask]
        ours: Any = fast.target(i)
        assert _slope(ours.model, x, y) <= _slope(pipeline.fit(x, y), x, y)


def test_results_of_another_precision_are_another_unit() -> None:
    assert ComputeSettings().arithmetic != FAST.arithmetic


def _slope(model: Any, x: Any, y: Ints) -> float:
    """Largest entry of the gradient of the objective, in float64."""
    inner, final = model[:-1].transform(x), model[-1]
    gap = final.predict_proba(inner)[:, 1] - y
    weights = inner.T @ gap + final.coef_[0] / final.C
    return float(max(np.abs(weights).max(), abs(gap.sum())))
