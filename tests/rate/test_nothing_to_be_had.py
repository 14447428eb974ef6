"""A goal is met without an attack only where a check measured that nothing is to be had."""

from __future__ import annotations

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import AttackResult, Evidence, Measurement, Status
from tests.rate.making import evidence, of, rated, trial

ALIKE = Measurement(metric="answered alike", value=1.0, low=0.99, high=1.0, n=3000, baseline=0.0)
REASON = "nothing is to be had: all 3,000 inputs get the same answer"


def ruled_out(name: str, *found: Measurement) -> Evidence:
    result = AttackResult(status=Status.NOT_APPLICABLE, reason=REASON, measurements=found)
    return evidence(name=name, status=Status.NOT_APPLICABLE).model_copy(update={"result": result})


def verdict(*given: Evidence) -> tuple[Verdict, str]:
    rating = rated(1, *given)
    return rating.verdict, rating.reason


def test_nothing_to_be_had_is_met_and_says_so() -> None:
    found, reason = verdict(ruled_out("copy", ALIKE), ruled_out("tree"))
    assert found is Verdict.MET
    assert REASON in reason


def test_what_is_merely_not_applicable_is_inconclusive() -> None:
    assert verdict(ruled_out("copy"), ruled_out("tree"))[0] is Verdict.INCONCLUSIVE
    assert verdict()[0] is Verdict.INCONCLUSIVE


def test_an_attack_that_was_not_tested_or_succeeded_still_counts() -> None:
    check = ruled_out("copy", ALIKE)
    open_ = evidence(name="other", status=Status.NOT_TESTED)
    assert verdict(check, open_)[0] is Verdict.INCONCLUSIVE
    assert verdict(check, evidence(trial(of(400, 400)), name="other"))[0] is Verdict.NOT_MET
