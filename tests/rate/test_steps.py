"""What would settle a goal that is inconclusive, and how long it takes."""

from __future__ import annotations

from typing import Any

import pytest

from goalkeeper.core.assessment import NextStep, PlanRow, Verdict
from goalkeeper.core.evidence import Evidence, Ratio, RatioAt, Status
from goalkeeper.core.goals import Goal
from goalkeeper.rate import next_steps
from tests.rate.making import POLICY, SECRECY, evidence, of, rated, trial

N = Goal.INTEGRITY
PARTS = {"train": 10_000, "holdout": 5_000}


def took(one: Evidence, seconds: float, models: int = 0) -> Evidence:
    cost = one.result.cost.model_copy(update={"models": models})
    result = one.result.model_copy(update={"took": seconds, "cost": cost})
    return one.model_copy(update={"result": result})


def step(*found: Evidence, plan: tuple[PlanRow, ...] = (), parts: Any = PARTS) -> NextStep | None:
    rating = rated(1, *found)
    assert rating.verdict is Verdict.INCONCLUSIVE
    return next_steps(found, {N: rating}, plan, parts, (POLICY, SECRECY)).get(N)


def test_the_step_that_settles_the_goal_by_itself_comes_before_a_quicker_one() -> None:
    succeeds = took(evidence(trial(of(14, 50)), name="succeeds"), 10)
    fails = took(evidence(trial(of(6, 50)), name="fails"), 1)
    found = step(succeeds, fails)
    assert found is not None
    assert (found.kind, found.attack, found.settles) == ("enlarge", "succeeds", True)
    assert found.seconds == 10 * found.factor
    assert found.runs == 2
    assert found.seconds_of_all > found.seconds


def test_what_is_expected_to_be_withstood_settles_a_goal_only_as_the_last() -> None:
    one = took(evidence(trial(of(6, 50)), name="one"), 2)
    other = took(evidence(trial(of(6, 50)), name="other"), 1)
    alone, both = step(one), step(one, other)
    assert alone is not None
    assert both is not None
    assert alone.settles
    assert (both.attack, both.settles, both.runs) == ("other", False, 2)
    assert both.seconds_of_all == pytest.approx(both.seconds + alone.seconds)


def test_models_that_another_attack_run_trained_are_trained_again() -> None:
    trains = took(evidence(trial(of(0, 400)), name="trains"), 40, models=10)
    shares = took(evidence(trial(of(6, 50)), name="shares"), 1, models=10)
    found = step(trains, shares)
    assert found is not None
    assert found.seconds == 40 * found.factor
    assert found.models == 10 * (found.factor - 1)


def test_records_that_the_data_do_not_have_are_told() -> None:
    at = RatioAt(fpr=0.01, true_positives=8, positives=60, false_positives=0, negatives=60)
    made = evidence(trial(Ratio(at=(at,))), variant="membership.threshold")
    one = took(made, 1)
    enough, few = step(one), step(one, parts={"train": 70, "holdout": 60})
    assert enough is not None
    assert few is not None
    assert enough.records == 0
    assert few.records == 60 * few.factor
    close = took(evidence(trial(of(6, 50))), 1)
    told = step(close, parts={"train": 10_000, "holdout": 50})
    assert told is not None
    assert told.records == 50 * told.factor


def test_runs_that_the_time_left_out_are_made_first() -> None:
    made = took(evidence(trial(of(6, 50)), name="made"), 3)
    left = evidence(name="left", status=Status.NOT_TESTED)
    rows = tuple(
        PlanRow(
            attack=e.attack, game=e.game, task=e.task, variant=e.variant, attacker=e.attacker,
            status="planned", goals=(N,), unit=e.unit, evidence=e.id,
        )
        for e in (made, left)
    )  # fmt: skip
    found = step(made, left, plan=rows)
    assert found is not None
    assert (found.kind, found.runs, found.seconds) == ("continue", 1, 3)


def test_what_is_decided_has_no_next_step() -> None:
    shown = took(evidence(trial(of(90, 100))), 1)
    rating = rated(1, shown)
    assert next_steps([shown], {N: rating}, (), PARTS, (POLICY, SECRECY)) == {}
