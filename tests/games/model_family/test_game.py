"""The model family game trains victims of the families that it hides."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer

from goalkeeper.games.model_family import ModelFamilyInference
from goalkeeper.games.model_family.estimators import FAMILIES
from goalkeeper.games.model_family.game import TASK
from goalkeeper.targets import SklearnTarget
from tests.public_tables import table

ESTIMATORS = {
    "linear": "LogisticRegression",
    "naive Bayes": "GaussianNB",
    "tree": "DecisionTreeClassifier",
    "nearest neighbours": "KNeighborsClassifier",
    "kernel": "SVC",
    "network": "MLPClassifier",
}


def test_victims_are_of_the_hidden_family() -> None:
    app, game = table(load_breast_cancer), ModelFamilyInference(victims=6)
    deal = game.deal(app, TASK, np.random.default_rng(3))
    assert sorted(deal.secret.tolist()) == list(range(6))
    for kind, victim in zip(deal.secret, deal.victims, strict=True):
        assert isinstance(victim, SklearnTarget)
        assert type(victim.model[-1]).__name__ == ESTIMATORS[FAMILIES[kind]]
    assert deal.question.names == FAMILIES
