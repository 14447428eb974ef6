"""Hyperparameters of recipes: found, described and set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.training import (
    FunctionTrainer,
    SklearnTrainer,
    TorchRecipe,
    TorchTrainer,
    find_settings,
    with_setting,
)

DOMAIN = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(3)))
CALIBRATED = CalibratedClassifierCV(make_pipeline(StandardScaler(), SVC(C=2.0, gamma=0.5)))
FOUND: list[tuple[Any, dict[str, tuple[Any, ...]]]] = [
    (LogisticRegression(C=2), {"C": (0.02, 0.2, 2.0, 20.0, 200.0)}),
    (LogisticRegression(C=np.inf), {}),
    (RidgeClassifier(), {"alpha": (0.01, 0.1, 1.0, 10.0, 100.0)}),
    (
        CALIBRATED,
        {
            "estimator__svc__C": (0.02, 0.2, 2.0, 20.0, 200.0),
            "estimator__svc__gamma": (0.005, 0.05, 0.5, 5.0, 50.0),
        },
    ),
    (DecisionTreeClassifier(max_depth=4), {"max_depth": (1, 2, 4, 8, 16)}),
    (
        RandomForestClassifier(),
        {"max_depth": (2, 4, 6, 12, None), "n_estimators": (25, 50, 100, 200)},
    ),
    (
        GradientBoostingClassifier(),
        {
            "max_depth": (1, 2, 3, 6, 12),
            "learning_rate": (0.01, 0.03, 0.1, 0.3, 1.0),
            "n_estimators": (25, 50, 100, 200),
        },
    ),
    (
        HistGradientBoostingClassifier(max_depth=3, max_iter=40),
        {
            "max_depth": (1, 2, 3, 6, 12),
            "learning_rate": (0.01, 0.03, 0.1, 0.3, 1.0),
            "max_iter": (10, 20, 40, 80),
        },
    ),
    (MultinomialNB(), {"alpha": (0.01, 0.1, 1.0, 10.0, 100.0)}),
    (GaussianNB(), {"var_smoothing": (1e-11, 1e-10, 1e-9, 1e-8, 1e-7)}),
    (
        MLPClassifier((8, 4)),
        {
            "alpha": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2),
            "learning_rate_init": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
            "hidden_layer_sizes": ((2, 1), (4, 2), (8, 4), (16, 8)),
        },
    ),
    (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), {}),
]


def trainer_of(estimator: Any) -> SklearnTrainer:
    return SklearnTrainer(estimator, ["a", "b"], DOMAIN)


@pytest.mark.parametrize(("estimator", "wanted"), FOUND, ids=lambda v: type(v).__name__)
def test_hyperparameters_and_their_candidates(
    estimator: Any, wanted: dict[str, tuple[Any, ...]]
) -> None:
    found = find_settings(trainer_of(estimator))
    assert {setting.key: setting.values for setting in found} == wanted
    for setting in found:
        assert setting.own in setting.values
        for value in setting.values:
            changed = with_setting(trainer_of(estimator), setting, value)
            assert isinstance(changed, SklearnTrainer)
            assert changed.estimator.get_params()[setting.key] == value
            assert estimator.get_params()[setting.key] == setting.own  # the recipe itself stays


def test_a_function_is_looked_into() -> None:
    trainer = FunctionTrainer(lambda: DecisionTreeClassifier(max_depth=2), ["a", "b"], DOMAIN)
    (depth,) = find_settings(trainer)
    changed = with_setting(trainer, depth, 8)
    assert changed.recipe == "DecisionTreeClassifier(max_depth=8)"
    assert depth.name(8) == "max_depth = 8"


def test_recipes_of_torch() -> None:
    torch = pytest.importorskip("torch")
    trainer = TorchTrainer(
        lambda: torch.nn.Linear(3, 2), ["a", "b"], DOMAIN, TorchRecipe(epochs=4, rate=0.01)
    )
    found = {setting.kind: setting for setting in find_settings(trainer)}
    assert found["learning-rate"].values == (0.001, 0.003, 0.01, 0.03, 0.1)
    assert found["epochs"].values == (1, 2, 4, 8)
    changed = with_setting(trainer, found["epochs"], 1)
    assert isinstance(changed, TorchTrainer)
    assert changed.torch_recipe == TorchRecipe(epochs=1, rate=0.01)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosters_without_settings_have_those_of_their_library(library: str) -> None:
    module = pytest.importorskip(library)
    kind = module.LGBMClassifier if library == "lightgbm" else module.XGBClassifier
    found = {s.kind: s.values for s in find_settings(trainer_of(kind()))}
    assert found["number-of-trees"] == (25, 50, 100, 200)
    assert len(found["depth"]) == 5
    assert len(found["learning-rate"]) >= 4
