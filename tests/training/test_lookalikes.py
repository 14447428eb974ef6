"""Who knows the family trains a model of the family: for every family that people use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.data import Data
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.power import View
from goalkeeper.training import FunctionTrainer, SklearnTrainer, lookalike
from goalkeeper.training.recipes import describe_recipe
from tests.training.samples import rows, table

AB = ("a", "b")


class MyForest(RandomForestClassifier):  # type: ignore[misc]
    """A subclass whose arguments nobody knows."""

    def __init__(self, depth: int) -> None:
        super().__init__(max_depth=depth)
        self.depth = depth


GRID = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]})
FAMILIES = [
    (DecisionTreeClassifier(max_depth=3), "DecisionTreeClassifier"),
    (RandomForestClassifier(7), "RandomForestClassifier"),
    (ExtraTreesClassifier(7), "ExtraTreesClassifier"),
    (GradientBoostingClassifier(max_depth=9), "GradientBoostingClassifier"),
    (HistGradientBoostingClassifier(max_iter=7), "HistGradientBoostingClassifier"),
    (AdaBoostClassifier(n_estimators=3), "AdaBoostClassifier"),
    (BaggingClassifier(n_estimators=3), "BaggingClassifier"),
    (KNeighborsClassifier(1), "KNeighborsClassifier"),
    (RadiusNeighborsClassifier(2.0), "KNeighborsClassifier"),
    (SVC(C=100), "SVC"),
    (MLPClassifier((3,)), "MLPClassifier"),
    (GaussianNB(var_smoothing=1.0), "GaussianNB"),
    (LogisticRegression(C=7), "LogisticRegression"),
    (SGDClassifier(), "LogisticRegression"),
    (RidgeClassifier(), "LogisticRegression"),
    (LinearSVC(), "LogisticRegression"),
    (MyForest(3), "RandomForestClassifier"),
    (CalibratedClassifierCV(KNeighborsClassifier(1)), "KNeighborsClassifier"),
    (GRID, "DecisionTreeClassifier"),
    (VotingClassifier([("a", GaussianNB()), ("b", MyForest(2))], voting="soft"),
     "VotingClassifier"),
]  # fmt: skip


BOOSTERS = [
    ("xgboost", "XGBClassifier", {"n_estimators": 3}),
    ("lightgbm", "LGBMClassifier", {"n_estimators": 3}),
    ("catboost", "CatBoostClassifier", {"iterations": 3}),
]


def last(trainer: Any) -> Any:
    steps = getattr(trainer.estimator, "steps", None)
    return steps[-1][1] if steps else trainer.estimator


@pytest.mark.requirement("S48")
@pytest.mark.parametrize(("final", "name"), FAMILIES, ids=lambda value: type(value).__name__)
def test_the_family_stays_and_the_settings_go(final: Any, name: str) -> None:
    trainer = SklearnTrainer(final, AB, table(6))
    got = last(lookalike(trainer))
    assert type(got).__name__ == name
    assert describe_recipe(got).count("=") <= 2  # to be quiet, or to end


@pytest.mark.requirement("S48")
@pytest.mark.parametrize(("library", "name", "settings"), BOOSTERS)
def test_boosting_of_other_libraries_stays(library: str, name: str, settings: Any) -> None:
    kind = getattr(pytest.importorskip(library), name)
    similar = lookalike(SklearnTrainer(kind(**settings), AB, table(6)))
    got = last(similar)
    assert type(got) is kind
    assert not settings.items() <= got.get_params().items()
    if library != "catboost":  # which takes seconds
        similar.fit(rows(), 0).answer(rows().x, View.SCORES)


@pytest.mark.requirement("S48")
@pytest.mark.parametrize("final", [KNeighborsClassifier(1), HistGradientBoostingClassifier()])
def test_the_family_is_found_behind_preprocessing(final: Any) -> None:
    columns = make_column_transformer((StandardScaler(), [0, 1, 2]), remainder="passthrough")
    pipeline = make_pipeline(columns, make_pipeline(StandardScaler(), final))
    assert type(last(lookalike(SklearnTrainer(pipeline, AB, table(6))))) is type(final)


def fitted_neighbours(x: Any, y: Any, seed: int) -> Any:
    return KNeighborsClassifier(1).fit(x, y)


@pytest.mark.requirement("S48")
def test_the_family_of_a_function_is_that_of_the_model_it_made() -> None:
    trainer = FunctionTrainer(fitted_neighbours, AB, table(6))
    target = trainer.fit(rows(), 0)
    assert type(last(lookalike(trainer, target))) is KNeighborsClassifier


@pytest.mark.parametrize("final", [SVC(), MLPClassifier(), KNeighborsClassifier()])
def test_look_alikes_of_tables_can_be_trained(final: Any) -> None:
    target = lookalike(SklearnTrainer(final, AB, table(6))).fit(rows(), 0)
    scores = target.answer(rows().x, View.SCORES).scores
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("final", [HistGradientBoostingClassifier(), GaussianNB()])
def test_families_that_take_no_sparse_matrix_are_given_none(final: Any) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    x = np.array([f"word{c} other{rng.integers(5)}" for c in y], dtype=object)
    trainer = SklearnTrainer(make_pipeline(TfidfVectorizer(), final), AB, TextDomain())
    target = lookalike(trainer).fit(Data(x=x, y=y), 0)
    assert (target.answer(x, View.LABELS).labels == y).all()
