"""Gaussian naive Bayes, nearest centroids, linear discriminants and ridge equal scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.data import Bools, Data
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer, fit_strategy
from goalkeeper.training.ridge import predict_leave_one_out, solve_ridge
from tests.training.pairs import pairwise
from tests.training.samples import rows, subsets, table

FINALS: dict[str, Any] = {
    "gaussian": GaussianNB(),
    "gaussian_smooth": GaussianNB(var_smoothing=0.01),
    "discriminant": LinearDiscriminantAnalysis(),
    "discriminant_lsqr": LinearDiscriminantAnalysis(solver="lsqr"),
    "ridge": RidgeClassifier(),
    "ridge_strong": RidgeClassifier(alpha=30.0, class_weight="balanced"),
    "ridge_no_bias": RidgeClassifier(fit_intercept=False, solver="svd"),
    "centroid": NearestCentroid(),
    "centroid_empirical": NearestCentroid(priors="empirical"),
}
SCALERS: dict[str, list[Any]] = {
    "bare": [],
    "scaled": [StandardScaler()],
    "only_mean": [StandardScaler(with_std=False)],
    "only_spread": [StandardScaler(with_mean=False)],
}


def trainer_of(final: Any, front: list[Any], classes: int, width: int) -> SklearnTrainer:
    names = [f"k{c}" for c in range(classes)]
    return SklearnTrainer(make_pipeline(*front, final), names, table(width))


def compare(trainer: SklearnTrainer, data: Data, masks: Bools, new: Any) -> None:
    """Scores and labels equal those of ordinary models on records and on other inputs."""
    assert fit_strategy(trainer).reason.startswith("together")
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    ordinary = [trainer.fit(data.take(mask), 0) for mask in masks]
    for x in (data.x, new):
        answers = [t.answer(x, View.SCORES) for t in ordinary]
        expected = np.stack([a.scores for a in answers])
        np.testing.assert_allclose(ensemble.scores(x), expected, atol=1e-8, rtol=0)
        np.testing.assert_array_equal(ensemble.labels(x), np.stack([a.labels for a in answers]))
    target = ensemble.target(len(masks) - 1)
    np.testing.assert_array_equal(
        target.answer(new, View.SCORES).scores, ordinary[-1].answer(new, View.SCORES).scores
    )


@pytest.mark.parametrize(("final", "scaler", "classes"), pairwise(FINALS, SCALERS, [2, 4]))
def test_tables_equal_the_loop(final: str, scaler: str, classes: int) -> None:
    data, new = rows(classes=classes, n=400), rows(50, classes=classes, seed=3).x.copy()
    x = data.x.copy()
    x[:, -1] = np.arange(400) % 7 == 0  # every subset needs some spread in every class
    new[:, -1] = 1.0
    data = replace(data, x=x)
    compare(trainer_of(FINALS[final], SCALERS[scaler], classes, 6), data, subsets(data), new)


@pytest.mark.parametrize("scaler", ["bare", "scaled"])
@pytest.mark.parametrize("final", ["gaussian_smooth", "discriminant", "ridge"])
def test_a_column_that_is_nearly_always_0(final: str, scaler: str) -> None:
    data, new = rows(), rows(50, seed=3).x
    assert any((data.x[m, -1] == 0).all() for m in subsets(data))
    compare(trainer_of(FINALS[final], SCALERS[scaler], 2, 6), data, subsets(data), new)


def test_columns_constant_within_classes_are_not_divided_by_their_spread() -> None:
    data, new = rows(), rows(50, seed=3).x
    x = data.x.copy()
    x[:, 2], x[:, 3] = 0.0, data.y * 2.0
    data = replace(data, x=x)
    masks = subsets(data)
    trainer = trainer_of(NearestCentroid(), [], 2, 6)
    ensemble = trainer.fit_many(data, masks, range(9))
    with pytest.warns(UserWarning, match="zero standard deviation"):
        ordinary = trainer.fit(data.take(masks[3]), 0)
    expected = ordinary.answer(new, View.SCORES)
    np.testing.assert_allclose(ensemble.scores(new)[3], expected.scores, atol=1e-8, rtol=0)
    np.testing.assert_array_equal(ensemble.labels(new)[3], expected.labels)


@pytest.mark.parametrize("solver", ["svd", "lsqr"])
def test_discriminants_of_dependent_columns(solver: str) -> None:
    data, new = rows(d=8), rows(50, d=8, seed=3).x.copy()
    x = data.x.copy()
    x[:, 5] = x[:, 0] + x[:, 1]
    x[:, 6] = x[:, 1] * (1 + 1e-5 * np.sin(np.arange(150)))  # rounding decides
    data = replace(data, x=x)
    new[:, 5], new[:, 6] = new[:, 0] + new[:, 1], new[:, 1]
    final = LinearDiscriminantAnalysis(solver=solver)
    masks = subsets(data)
    trainer = trainer_of(final, [], 2, 8)
    found = trainer.fit_many(data, masks, range(9)).scores(new)
    expected = [trainer.fit(data.take(m), 0).answer(new, View.SCORES).scores for m in masks]
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-6, rtol=0)


def test_the_answer_does_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows(400, classes=3)
    masks = subsets(data, models=80)
    for final in ("gaussian", "discriminant", "ridge", "centroid"):
        trainer = trainer_of(FINALS[final], [StandardScaler()], 3, 6)
        monkeypatch.setattr("goalkeeper.training.ensembles.CACHE_BYTES", 1 << 40)
        whole = trainer.fit_many(data, masks, range(80)).scores(data.x)
        monkeypatch.setattr("goalkeeper.training.ensembles.CACHE_BYTES", 1)
        small = trainer.fit_many(data, masks, range(80)).scores(data.x)
        np.testing.assert_allclose(small, whole, atol=1e-9, rtol=0)


def test_gaussian_by_hand() -> None:
    data = Data(x=np.array([[0.0], [2.0], [5.0], [9.0]]), y=np.array([0, 0, 1, 1]))
    trainer = trainer_of(GaussianNB(var_smoothing=1e-12), [], 2, 1)
    score = trainer.fit_many(data, np.ones((1, 4), dtype=bool), [0]).scores(np.array([[3.0]]))
    first = np.exp(-((3 - 1) ** 2) / (2 * 1)) / 1
    other = np.exp(-((3 - 7) ** 2) / (2 * 4)) / 2
    np.testing.assert_allclose(score[0, 0, 1], other / (first + other), rtol=1e-9)


@pytest.mark.parametrize("final", ["gaussian", "discriminant", "ridge", "centroid"])
def test_a_subset_of_one_class_is_refused(final: str) -> None:
    data = rows(classes=3)
    masks = subsets(data)
    masks[0] &= data.y == 1
    with pytest.raises(DataError, match=r"model 0 of 9: none of its .* is of class 'k0'"):
        trainer_of(FINALS[final], [], 3, 6).fit_many(data, masks, range(9))


def test_centroids_of_equal_records_are_refused() -> None:
    x = rows().x.copy()
    x[:4] = 1.0
    data = replace(rows(), x=x)
    masks = subsets(data)
    masks[2] = np.arange(150) < 4
    with pytest.raises(DataError, match="model 2 of 9: all its records are equal"):
        trainer_of(NearestCentroid(), [], 2, 6).fit_many(data, masks, range(9))


@pytest.mark.parametrize(
    ("final", "said"),
    [
        (GaussianNB(priors=[0.5, 0.5]), "with priors="),
        (NearestCentroid(shrink_threshold=0.1), "with shrink_threshold=0.1"),
        (NearestCentroid(metric="manhattan"), "with metric='manhattan'"),
        (LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), "with shrinkage='auto'"),
        (LinearDiscriminantAnalysis(solver="eigen"), "with solver='eigen'"),
        (RidgeClassifier(solver="sag"), "with solver='sag'"),
        (RidgeClassifier(alpha=0), "with alpha=0"),
    ],
)
def test_what_is_not_covered_says_why(final: Any, said: str) -> None:
    strategy = trainer_of(final, [], 2, 6).strategy
    assert strategy.kind == "one_by_one"
    assert said in strategy.reason


# ---- ridge regression without each record --------------------------------------------------------


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", [(30, 4), (20, 35)])
def test_leave_one_out_equals_refits(
    shape: tuple[int, int], *, weighted: bool, intercept: bool
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape) + 3, rng.normal(size=(shape[0], 2))
    weights = rng.uniform(0.5, 2, shape[0]) if weighted else None
    found = predict_leave_one_out(x, y, 0.7, intercept=intercept, weights=weights)
    for i in range(len(x)):
        rest = np.arange(len(x)) != i
        model = Ridge(0.7, fit_intercept=intercept, solver="svd")
        model.fit(x[rest], y[rest], None if weights is None else weights[rest])
        np.testing.assert_allclose(found[i], model.predict(x[i : i + 1])[0], atol=1e-9)


def test_ridge_of_one_column_by_hand() -> None:
    x, y = np.array([[1.0], [2.0], [6.0]]), np.array([[1.0], [0.0], [5.0]])
    weights, bias = solve_ridge(x, y, 2.0)
    np.testing.assert_allclose(weights, [[13 / 16]])  # centred products 13, squares 14, penalty 2
    np.testing.assert_allclose(bias, [2 - 3 * 13 / 16])
