"""The hyperparameters game trains victims of the strengths that it hides."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer

from goalkeeper.games.hyperparameters import STRENGTHS, HyperparameterInference
from goalkeeper.games.hyperparameters.game import TASK
from goalkeeper.targets import SklearnTarget
from tests.public_tables import table


def test_victims_are_of_the_hidden_strength() -> None:
    app, game = table(load_breast_cancer), HyperparameterInference(victims=5)
    deal = game.deal(app, TASK, np.random.default_rng(3))
    assert sorted(deal.secret.tolist()) == list(range(5))
    for kind, victim in zip(deal.secret, deal.victims, strict=True):
        assert isinstance(victim, SklearnTarget)
        assert STRENGTHS[kind] == victim.model[-1].C
        assert deal.question.names[kind] == f"C = {STRENGTHS[kind]:g}"
