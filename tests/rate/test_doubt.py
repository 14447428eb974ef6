"""Where the model may not be the user's, nothing is met, and only stolen data stays stolen."""

from __future__ import annotations

import math

import pytest

from goalkeeper.core.assessment import GoalRating, Verdict
from goalkeeper.core.fit import AccuracyEstimate, FitReport
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.rate import rate
from tests.rate.making import POLICY, SECRECY, evidence, of, trial

HALF = AccuracyEstimate(value=0.5, low=0.4, high=0.6, n=100)
DOUBT = FitReport(
    fit="doubt",
    train=HALF,
    holdout=HALF,
    majority=0.5,
    majority_class="a",
    reasons=("all answers are a",),
)
FITS = DOUBT.model_copy(update={"fit": "fit", "reasons": ()})


def rated(goal: Goal, successes: int, fit: FitReport | None, level: int = 1) -> GoalRating:
    found = [evidence(trial(of(successes, 10**5), verified=0), goals=[goal])]
    needs = {goal: ProtectionNeed(goal=goal, level=level)}
    return rate(found, needs, POLICY, SECRECY, {goal: 1}, fit)[1][goal]


@pytest.mark.parametrize("goal", Goal)
def test_nothing_is_met_in_doubt(goal: Goal) -> None:
    assert rated(goal, 0, None).verdict is rated(goal, 0, FITS).verdict is Verdict.MET
    doubted = rated(goal, 0, DOUBT)
    assert doubted.verdict is Verdict.INCONCLUSIVE
    assert doubted.potential == 0
    assert doubted.exposure.high == 4
    assert doubted.risk.high >= rated(goal, 0, None).risk.high
    assert "all answers are a" in doubted.reason
    stored = doubted.model_dump_json()
    assert GoalRating.model_validate_json(stored).model_dump_json() == stored


@pytest.mark.parametrize("goal", Goal)
def test_a_success_stays_where_it_does_not_depend_on_right_answers(goal: Goal) -> None:
    assert rated(goal, 10**5, None).verdict is Verdict.NOT_MET
    doubted = rated(goal, 10**5, DOUBT)
    stays = goal in (Goal.PRIVACY, Goal.CONFIDENTIALITY)
    assert doubted.verdict is (Verdict.NOT_MET if stays else Verdict.INCONCLUSIVE)
    assert doubted.doubt
    assert math.isinf(doubted.demonstrated) is not stays


def test_a_goal_that_is_not_assessed_stays_so() -> None:
    assert rated(Goal.PRIVACY, 0, DOUBT, level=0).verdict is Verdict.NOT_ASSESSED
