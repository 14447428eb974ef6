"""The rating of one piece of evidence: its trials, bounds and attack potential."""

from __future__ import annotations

import math

import pytest

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import Accuracy, DamageCount, Status
from goalkeeper.rate import rate_evidence
from tests.rate.making import POLICY, RULES, evidence, of, rated, rated_one, requires, trial


@pytest.mark.requirement("S16", "S17")
def test_trials_are_gated_from_the_largest_budget_down() -> None:
    counts = (100, 4, 150, 120)
    trials = [trial(of(k, 200), queries=10**i) for i, k in enumerate(counts)]
    result = rated_one(evidence(*reversed(trials)))
    assert [t.budget for t in result.trials] == [1, 10, 100, 1000]
    assert [t.demonstrated for t in result.trials] == [0, 0, 4, 4]
    assert [t.potential for t in result.trials] == [4, 4, 4, 4]
    assert (result.demonstrated, result.potential) == (4, 4)


@pytest.mark.requirement("S17")
def test_a_rate_limit_moves_the_attack_along_the_scale_of_time() -> None:
    one = evidence(trial(of(200, 400), queries=10_000, hours=0))
    points = []
    for a_day, accounts in ((1e6, 1), (1000, 1), (200, 1), (20, 1), (20, 100)):
        limits = {"queries_per_day": a_day, "identities": accounts}
        limited = one.requires.model_copy(update=limits)
        result = rated_one(one.model_copy(update={"requires": limited}))
        points.append(result.attack_potential.points - RULES.attack_potential.window["easy"])
    assert points == [0, 4, 17, 19, 1]


def test_a_verified_success_counts_at_the_highest_need_from_its_budget_on() -> None:
    one = evidence(
        trial(of(0, 4000)),
        trial(of(1, 4000), queries=10, verified=1),
        trial(of(0, 4000), queries=20),
    )
    assert [t.demonstrated for t in rated_one(one, 3).trials] == [0, 1, 1]
    assert [t.demonstrated for t in rated_one(one, 2).trials] == [0, 0, 0]


def test_counts_without_a_bound_exclude_nothing() -> None:
    result = rated_one(evidence(trial(of(0, 0))))
    assert (result.demonstrated, result.potential) == (0, 4)
    assert rated(1, evidence(trial(of(0, 0)))).verdict is Verdict.INCONCLUSIVE
    assert rated(1, evidence(status=Status.TESTED)).verdict is Verdict.INCONCLUSIVE


def test_a_bound_that_is_not_a_number_excludes_nothing() -> None:
    strange = DamageCount(gained=(1, 2), lost=(0, 0), n=10, tolerance=math.nan)
    result = rated_one(evidence(trial(strange)))
    assert (result.demonstrated, result.potential) == (0, 4)


@pytest.mark.parametrize(
    ("days", "points"), [(1, 0), (1.01, 1), (7, 1), (30, 4), (182, 17), (183, 19)]
)
def test_elapsed_time_is_scored_by_inclusive_bounds(days: float, points: int) -> None:
    result = rated_one(evidence(trial(of(1, 100), hours=24 * days)))
    assert result.attack_potential.points == points + RULES.attack_potential.window["easy"]


def test_only_tested_evidence_is_rated() -> None:
    for status in list(Status)[1:]:
        assert rated_one(evidence(status=status)) is None


def test_a_metric_is_rated_by_its_own_tally_only() -> None:
    one = evidence(trial(Accuracy(correct=50, n=100)))
    with pytest.raises(
        PolicyError, match="kind proportion, but the game returned one of kind accuracy"
    ):
        rated_one(one.model_copy(update={"metric": "success_rate"}))
    with pytest.raises(PolicyError, match="did you mean 'success_rate'"):
        rated_one(one.model_copy(update={"metric": "success_rates"}))


def test_secrecy_of_the_application_replaces_the_default() -> None:
    one = evidence(trial(of(1, 100)), needs=requires("device_holder", model="full"))
    secret = {"model": {"full": "strictly_confidential"}}
    result = rate_evidence(one, 1, POLICY, secret, hypotheses=1)
    assert result is not None
    assert result.attack_potential.knowledge == "strictly_confidential"
    assert result.attack_potential.points == rated_one(one).attack_potential.points + 4
    with pytest.raises(PolicyError, match="did you mean 'confidential'"):
        rate_evidence(one, 1, POLICY, {"model": {"full": "confidental"}}, hypotheses=1)
