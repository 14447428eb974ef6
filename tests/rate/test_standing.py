"""Only what may decide counts in a verdict, in either direction."""

from __future__ import annotations

import pytest

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.standing import Standing
from goalkeeper.rate import rate, recompute
from tests.rate.making import POLICY, SECRECY, evidence, need_of, of, trial
from tests.rate.test_recompute import assessment

APART = (Standing.by_assumption("nobody said so"), Standing.no_harm("it was granted"))
BROKEN = evidence(trial(of(390, 400)), name="broken")
WITHSTOOD = evidence(trial(of(0, 4000)), name="withstood")
OPEN = evidence(name="open", status=Status.NOT_TESTED)


def verdict_of(*found: Evidence) -> Verdict:
    need = {Goal.INTEGRITY: need_of(1)}
    return rate(found, need, POLICY, SECRECY, {Goal.INTEGRITY: 1})[1][Goal.INTEGRITY].verdict


def standing_as(found: Evidence, standing: Standing) -> Evidence:
    return found.model_copy(update={"standing": standing})


@pytest.mark.parametrize("standing", APART)
def test_what_may_not_decide_neither_shows_harm_nor_blocks_met(standing: Standing) -> None:
    assert verdict_of(WITHSTOOD, BROKEN) is Verdict.NOT_MET
    assert verdict_of(WITHSTOOD, OPEN) is Verdict.INCONCLUSIVE
    for blocking in (BROKEN, OPEN):
        assert verdict_of(WITHSTOOD, standing_as(blocking, standing)) is Verdict.MET


@pytest.mark.parametrize("standing", APART)
def test_what_may_not_decide_is_no_test_that_a_goal_withstood(standing: Standing) -> None:
    assert verdict_of(standing_as(WITHSTOOD, standing)) is Verdict.INCONCLUSIVE


def test_evidence_apart_is_rated_as_information() -> None:
    apart = standing_as(BROKEN, APART[0])
    need = {Goal.INTEGRITY: need_of(1)}
    rated, goals, _ = rate([apart], need, POLICY, SECRECY, {Goal.INTEGRITY: 1})
    assert rated[0].rated is not None
    assert rated[0].rated.demonstrated == 4
    assert not goals[Goal.INTEGRITY].because
    assert not goals[Goal.INTEGRITY].not_tested


def test_a_standing_that_was_changed_afterwards_is_found() -> None:
    fair = assessment()
    changed = tuple(standing_as(e, APART[0]) for e in fair.evidence)
    found = recompute(fair.model_copy(update={"evidence": changed}), POLICY)
    assert any("standing" in text for text in found)


def test_tests_that_may_not_decide_do_not_share_the_error_probability() -> None:
    fair = assessment()
    row = fair.plan[0].model_copy(update={"unit": "U-other", "standing": APART[0]})
    assert not recompute(fair.model_copy(update={"plan": (*fair.plan, row)}), POLICY)
    deciding = row.model_copy(update={"standing": Standing()})
    assert recompute(fair.model_copy(update={"plan": (*fair.plan, deciding)}), POLICY)
