"""Stored numbers of estimators: a bit flipped by hand in a copy gives the very same answers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import SVC

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import read_numbers, rewrite_numbers
from goalkeeper.games.bit_flips import Flip, flip_bits
from goalkeeper.targets import PythonTarget, SklearnTarget

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)) * [1, 2, 3, 4] + 1
Y = (X[:, 0] + X[:, 1] / 2 + RNG.normal(size=120) > 1.5).astype(np.int64)
DOMAIN = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(4)))
NAMES = ["no", "yes"]

ByHand = Callable[[Any], Any]  # the array of a fitted model, in memory of the model

SEARCH = GridSearchCV(
    make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2
)
COLUMNS = make_pipeline(
    ColumnTransformer([("s", StandardScaler(), [0, 1]), ("r", RobustScaler(), [2, 3])]),
    LogisticRegression(),
)
CASES: list[tuple[str, Any, str, ByHand]] = [
    (
        "weights",
        make_pipeline(StandardScaler(), LogisticRegression()),
        "logisticregression.coef_",
        lambda m: m[-1].coef_,
    ),
    (
        "scaler",
        make_pipeline(StandardScaler(), LogisticRegression()),
        "standardscaler.scale_",
        lambda m: m[0].scale_,
    ),
    (
        "means",
        make_pipeline(StandardScaler(), LogisticRegression()),
        "standardscaler.mean_",
        lambda m: m[0].mean_,
    ),
    ("discriminant", LinearDiscriminantAnalysis(), "coef_", lambda m: m.coef_),
    (
        "search",
        SEARCH,
        "best_estimator_.logisticregression.coef_",
        lambda m: m.best_estimator_[-1].coef_,
    ),
    (
        "columns",
        COLUMNS,
        "columntransformer.transformers_.s.scale_",
        lambda m: m[0].transformers_[0][1].scale_,
    ),
    (
        "forest thresholds",
        RandomForestClassifier(5, max_depth=3),
        "estimators_[3].tree_.threshold",
        lambda m: m.estimators_[3].tree_.threshold,
    ),
    (
        "forest leaves",
        RandomForestClassifier(5, max_depth=3),
        "estimators_[3].tree_.value",
        lambda m: m.estimators_[3].tree_.value,
    ),
    (
        "boosting",
        GradientBoostingClassifier(n_estimators=4),
        "estimators_[2].tree_.value",
        lambda m: m.estimators_[2, 0].tree_.value,
    ),
    (
        "histogram boosting",
        HistGradientBoostingClassifier(max_iter=4),
        "_predictors[2][0].nodes.value",
        lambda m: m._predictors[2][0].nodes["value"],
    ),
    ("records", KNeighborsClassifier(3, algorithm="brute"), "_fit_X", lambda m: m._fit_X),
    ("Gaussian", GaussianNB(), "var_", lambda m: m.var_),
    (
        "layers",
        make_pipeline(MinMaxScaler(), MLPClassifier((4,), max_iter=20)),
        "mlpclassifier.coefs_[0]",
        lambda m: m[-1].coefs_[0],
    ),
    ("support", SVC(), "support_vectors_", lambda m: m.support_vectors_),
    (
        "calibrated",
        CalibratedClassifierCV(LogisticRegression(), cv=2),
        "calibrated_classifiers_[1].estimator.coef_",
        lambda m: m.calibrated_classifiers_[1].estimator.coef_,
    ),
]


def target_of(model: Any) -> SklearnTarget:
    return SklearnTarget(model, NAMES, DOMAIN)


def fit(model: Any) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = copy.deepcopy(model)
        if "random_state" in fitted.get_params():
            fitted.set_params(random_state=0)
        return fitted.fit(X, Y)


def flip_by_hand(values: Any, index: int, bit: int) -> None:
    """Flip a bit where it is in memory, with nothing of goalkeeper."""
    place = np.unravel_index(index, values.shape)
    raw = np.array(values[place]).tobytes()
    word = int.from_bytes(raw, "little") ^ (1 << bit)
    values[place] = np.frombuffer(word.to_bytes(len(raw), "little"), values.dtype)[0]


def scores(model: Any) -> Any:
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X)
    return model.decision_function(X)


@pytest.mark.requirement("S24")
@pytest.mark.parametrize(
    ("model", "name", "by_hand"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_flipped_bit_is_that_of_the_stored_number(model: Any, name: str, by_hand: ByHand) -> None:
    fitted = fit(model)
    target = target_of(fitted)
    stored = read_numbers(target)
    before = scores(fitted)
    values = stored[name]
    np.testing.assert_array_equal(values, by_hand(fitted))
    moved = 0
    for index in np.argsort(-np.abs(values), axis=None)[:12].tolist():
        for bit in (63, 62, 52, 50):
            own = copy.deepcopy(fitted)
            flip_by_hand(by_hand(own), index, bit)
            flipped = flip_bits({name: values}, [Flip(name, index, bit)])
            changed = rewrite_numbers(target, flipped)
            with np.errstate(all="ignore"):
                try:
                    expected = scores(own)
                except ValueError:  # a number too large for the steps that follow
                    with pytest.raises(ValueError, match=r"(?i)infinity|nan"):
                        scores(changed.model)
                    continue
                np.testing.assert_array_equal(scores(changed.model), expected)
                np.testing.assert_array_equal(changed.answer(X, View.LABELS).labels, own.predict(X))
            moved += not np.array_equal(expected, before)
    assert moved > 0
    np.testing.assert_array_equal(scores(fitted), before)  # the user's own is as it was


def test_only_the_named_number_changes() -> None:
    target = target_of(fit(make_pipeline(StandardScaler(), RandomForestClassifier(4, max_depth=3))))
    stored = read_numbers(target)
    assert len(stored) == 3 + 2 * 4
    for name, values in stored.items():
        flipped = flip_bits({name: values}, [Flip(name, values.size - 1, 51)])
        after = read_numbers(rewrite_numbers(target, flipped))
        assert list(after) == list(stored)
        assert all((after[k].tobytes() == v.tobytes()) == (k != name) for k, v in stored.items())


def test_records_that_two_attributes_share_are_one_number() -> None:
    """The search tree of neighbours looks into the very array that the model calls `_fit_X`."""
    fitted = fit(KNeighborsClassifier(1, algorithm="kd_tree"))
    target = target_of(fitted)
    stored = read_numbers(target)
    values = stored["_fit_X"].copy()
    assert not any(v.shape == values.shape for n, v in stored.items() if n != "_fit_X")
    values[7] = 1e6
    found = rewrite_numbers(target, {"_fit_X": values}).model
    assert found._tree.get_arrays()[0][7].tolist() == [1e6] * 4
    assert found._fit_X[7].tolist() == [1e6] * 4


def test_a_class_of_the_users_own_is_looked_into() -> None:
    class Rule:
        def __init__(self) -> None:
            self.classes_ = np.array([0, 1])
            self.edges = {"first": [np.array([1.0, 2.0]), 0.5]}

        def fit(self, x: Any, y: Any) -> Rule:
            return self

        def predict(self, x: Any) -> Any:
            edge, factor = self.edges["first"]
            return (x[:, 0] * factor > edge[0]).astype(np.int64)  # type: ignore[index]

    target = target_of(Rule())
    stored = read_numbers(target)
    assert set(stored) == {"edges['first'][0]", "edges['first'][1]"}
    changed = rewrite_numbers(target, {"edges['first'][1]": np.array(-0.5)})
    assert changed.answer(X, View.LABELS).labels.tolist() == (X[:, 0] < -2).astype(int).tolist()
    assert changed.model.edges["first"][0] is target.model.edges["first"][0]


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_numbers_of_boosters(library: str) -> None:
    module = pytest.importorskip(library)
    quiet = {"verbose": -1} if library == "lightgbm" else {"n_jobs": 1}
    kind = module.LGBMClassifier if library == "lightgbm" else module.XGBClassifier
    model = kind(n_estimators=3, max_depth=2, **quiet).fit(X, Y)
    target = target_of(model)
    stored = read_numbers(target)
    name = next(n for n in stored if n.endswith(("leaf_value", "split_conditions")))
    assert stored[name].dtype == (np.float64 if library == "lightgbm" else np.float32)
    index = stored[name].size - 1  # the last node of a tree is a leaf
    bits = stored[name].dtype.itemsize * 8
    flipped = flip_bits({name: stored[name]}, [Flip(name, index, bits - 1)])
    changed = rewrite_numbers(target, flipped)
    raw = {"raw_score": True} if library == "lightgbm" else {"output_margin": True}
    gap = changed.model.predict(X, **raw) - model.predict(X, **raw)
    leaf = float(stored[name][index])
    reached = gap != 0
    assert 0 < reached.sum() < len(X)
    np.testing.assert_allclose(gap[reached], -2 * leaf, rtol=1e-4)  # margins are added in float32
    after = read_numbers(changed)
    assert all(np.array_equal(after[n], flipped.get(n, v)) for n, v in stored.items())
    infinite = flip_bits({name: stored[name]}, [])
    infinite[name][index] = np.inf
    with pytest.raises(TargetError, match="infinite"):
        rewrite_numbers(target, infinite)


def test_what_shows_no_numbers_is_named() -> None:
    asked = PythonTarget(lambda x: np.zeros(len(x), dtype=int), NAMES, DOMAIN, sample=X)
    with pytest.raises(NotOffered, match="is a function, which shows none of the numbers"):
        read_numbers(asked)

    class Hidden:
        __slots__ = ("classes_",)

        def __init__(self) -> None:
            self.classes_ = np.array([0, 1])

        def fit(self, x: Any, y: Any) -> Hidden:
            return self

        def predict(self, x: Any) -> Any:
            return np.zeros(len(x), dtype=int)

    with pytest.raises(NotOffered, match="Hidden stores cannot be reached"):
        read_numbers(target_of(Hidden()))
    scaled = make_pipeline(StandardScaler(), Hidden())
    scaled[0].fit(X)
    with pytest.raises(NotOffered, match="Hidden stores cannot be reached"):
        read_numbers(target_of(scaled))


def test_what_does_not_fit_is_refused() -> None:
    target = target_of(fit(LogisticRegression()))
    with pytest.raises(NotOffered, match="no numbers of the name 'weights'"):
        rewrite_numbers(target, {"weights": np.zeros((1, 4))})
    with pytest.raises(NotOffered, match="float32 of shape"):
        rewrite_numbers(target, {"coef_": np.zeros((1, 4), np.float32)})
