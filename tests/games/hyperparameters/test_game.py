"""The hyperparameters game asks about the application's own recipe, or says that it has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from goalkeeper.core.application import Application
from goalkeeper.games.hyperparameters import HyperparameterInference
from goalkeeper.targets import SklearnTarget
from goalkeeper.training import FunctionTrainer, SklearnTrainer
from tests.public_tables import table

GAME = HyperparameterInference(victims=5)


def app_of(estimator: Any) -> Application:
    app = table(load_breast_cancer)
    return replace(app, trainer=SklearnTrainer(estimator, app.classes, app.domain))


@pytest.mark.requirement("S34")
def test_victims_are_of_the_applications_own_recipe() -> None:
    """A k-NN behind a scaler of its own is asked for its k; no logistic regression is trained."""
    app = app_of(make_pipeline(MinMaxScaler(), KNeighborsClassifier(8, weights="distance")))
    (task,) = GAME.tasks(app)
    assert task.name == "neighbours"
    assert GAME.unfit(app, task) is None
    deal = GAME.deal(app, task, np.random.default_rng(3))
    assert deal.question.names == tuple(f"n_neighbors = {k}" for k in (2, 4, 8, 16, 32))
    assert sorted(deal.secret.tolist()) == list(range(5))
    for kind, victim in zip(deal.secret, deal.victims, strict=True):
        assert isinstance(victim, SklearnTarget)
        assert isinstance(victim.model[0], MinMaxScaler)
        assert victim.model[-1].n_neighbors == (2, 4, 8, 16, 32)[kind]
        assert victim.model[-1].weights == "distance"


def test_every_attack_is_dealt_the_same_victims() -> None:
    app = app_of(KNeighborsClassifier(8))
    (task,) = GAME.tasks(app)
    first, again = (GAME.deal(app, task, np.random.default_rng(3)) for _ in range(2))
    assert all(a is b for a, b in zip(first.victims, again.victims, strict=True))
    for game, seed in ((GAME, 4), (replace(GAME, victims=4), 3)):
        other = game.deal(app, task, np.random.default_rng(seed))
        assert not {*map(id, first.victims)} & {*map(id, other.victims)}
        assert len(other.victims) == game.victims


def test_who_does_not_know_the_recipe_gets_the_usual_one_of_the_class() -> None:
    app = app_of(make_pipeline(MinMaxScaler(), KNeighborsClassifier(8, weights="distance")))
    deal = GAME.deal(app, GAME.tasks(app)[0], np.random.default_rng(3))
    usual = deal.question.usual
    assert isinstance(usual, SklearnTrainer)
    assert usual.recipe == "Pipeline(steps=[('standardscaler', StandardScaler()), " + (
        "('kneighborsclassifier', KNeighborsClassifier())])"
    )


def test_a_recipe_without_hyperparameters_is_not_applicable() -> None:
    app = app_of(LinearDiscriminantAnalysis())
    (task,) = GAME.tasks(app)
    unfit = GAME.unfit(app, task)
    assert unfit is not None
    assert unfit.proven
    assert "LinearDiscriminantAnalysis() has no hyperparameter" in unfit.reason


def test_what_is_not_known_is_not_ruled_out() -> None:
    app = table(load_breast_cancer)
    (task,) = GAME.tasks(replace(app, trainer=None))
    unfit = GAME.unfit(replace(app, trainer=None), task)
    assert unfit is not None
    assert not unfit.proven
    assert "no recipe" in unfit.reason

    def build(x: Any, y: Any, seed: int) -> Any:
        return LinearDiscriminantAnalysis().fit(x, y)

    opaque = replace(app, trainer=FunctionTrainer(build, app.classes, app.domain))
    unfit = GAME.unfit(opaque, GAME.tasks(opaque)[0])
    assert unfit is not None
    assert not unfit.proven
