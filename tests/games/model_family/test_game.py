"""The model family game asks about models of the application's own recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.evidence import Gain
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.base import Marking
from goalkeeper.games.model_family import ModelFamilyInference
from goalkeeper.games.model_family.estimators import FAMILIES
from goalkeeper.games.model_family.game import TASK
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.targets import PythonTarget, SklearnTarget
from goalkeeper.training import SklearnTrainer
from tests.public_tables import table

BOOSTING = FAMILIES.index("boosting")


@pytest.fixture(scope="module")
def boosted() -> Application:
    app = table(load_breast_cancer)
    trainer = SklearnTrainer(GradientBoostingClassifier(n_estimators=7), app.classes, app.domain)
    return replace(app, trainer=trainer, target=trainer.fit(app.data.train, 0))


def test_a_boosted_application_is_asked_about_its_own_recipe(boosted: Application) -> None:
    game = ModelFamilyInference()
    deal = game.deal(boosted, TASK, np.random.default_rng(3))
    own = [v for v, k in zip(deal.victims, deal.secret, strict=True) if k == BOOSTING]
    assert len(own) == 16
    assert sum(victim is boosted.target for victim in own) == 1
    for victim in own:
        assert isinstance(victim, SklearnTarget)
        assert victim.model.n_estimators == 7
    for answer, gains in ((deal.secret, True), (np.full(32, BOOSTING), False)):
        points = [Checkpoint(answer, Cost(queries=7), np.full(32, 7))]
        result = game.mark(
            Marking(
                app=boosted,
                task=TASK,
                deal=deal,
                answers=points,
                granted=Power(
                    capabilities=Capability.M2, view=View.SCORES, budget=Budget(queries=100)
                ),
                rng=np.random.default_rng(0),
                victim=np.random.SeedSequence(1),
            )
        )
        found = result.trials[-1].tally
        assert isinstance(found, Gain)
        assert (found.successes, found.n) == (16, 16)
        assert beats_baseline(found) is gains


def test_a_family_that_cannot_be_told_is_not_tested(boosted: Application) -> None:
    parts = boosted.classes, boosted.domain
    rule = PythonTarget(lambda x: np.asarray(x)[:, 0] > 14, *parts, sample=boosted.data.holdout.x)
    other = replace(boosted, target=rule)
    assert "is not known" in str(ModelFamilyInference().unfit(other, TASK))
    assert "recipe" in str(ModelFamilyInference().unfit(replace(boosted, trainer=None), TASK))
