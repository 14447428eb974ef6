"""The relative likelihood where it is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.membership.relative_likelihood import RelativeLikelihood, likelihood
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.reference import plan_stages
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from tests.attacks.membership.gaussian import application, threshold_auc
from tests.contract.harness import enough


def contest(models: int, seed: int) -> AttackResult:
    this = AttackRun(
        attack=RelativeLikelihood(models=models),
        game=Membership(),
        task=TASK,
        granted=enough(RelativeLikelihood),
        seed=seed,
    )
    return evaluate(application(seed), this)


@pytest.mark.requirement("S48")
def test_references_make_it_stronger_than_one_threshold_for_all() -> None:
    """Four games of 1,000 members and non-members: the standard error of an AUC is below 0.012."""
    areas = [contest(8, seed).measurements[1].value for seed in range(4)]
    assert np.mean(areas) > threshold_auc() + 3 * 0.012 / 2


def test_the_probability_of_the_class_is_taken() -> None:
    scores = np.array([[[0.2, 0.8], [0.6, 0.4]], [[0.1, 0.9], [0.5, 0.5]]])
    np.testing.assert_array_equal(likelihood(scores, np.array([1, 0])), [[0.8, 0.6], [0.9, 0.5]])


def test_few_models_are_enough_and_more_are_stages() -> None:
    assert plan_stages(4) == [4]
    assert plan_stages(64) == [16, 16, 32]
    assert [trial.budget for trial in contest(32, 0).trials] == [16, 32]
