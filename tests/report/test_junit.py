"""JUnit XML: valid, and its cases agree with the verdicts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import Context
from goalkeeper.report.application_file import ApplicationFile
from goalkeeper.report.renderers.junit import JunitRenderer
from tests.report import sample
from tests.report.results import HOSTILE, C, N, P, not_run
from tests.report.test_people import told

SCHEMA = Path(__file__).parent / "schemas" / "junit-10.xsd"
ABOUT = Context(source=ApplicationFile(path="application.yaml"))
EVERY_STATUS = sample.assessment()
MADE = {
    "every status": EVERY_STATUS,
    "many runs": sample.many_attack_runs(20),
    "many attackers": sample.many_attackers(20),
    "people": told(),
    "nothing": EVERY_STATUS.model_copy(update={"goals": {}, "evidence": (), "plan": ()}),
    "no evidence": EVERY_STATUS.model_copy(update={"evidence": (), "attackers": ()}),
}


def suites(assessment: Assessment) -> dict[str, dict[str, ET.Element]]:
    """Map each goal to its cases by attacker."""
    root = ET.fromstring(JunitRenderer().render(assessment, ABOUT))  # noqa: S314 - our own
    return {
        suite.attrib["name"]: {case.attrib["name"]: case for case in suite.iter("testcase")}
        for suite in root
    }


def state(case: ET.Element) -> str:
    return next((child.tag for child in case), "passed")


def rated(goal: Goal, verdict: Verdict, evidence: tuple[Evidence, ...], **more: Any) -> Assessment:
    rating = sample.goals()[C].model_copy(update={"goal": goal, "verdict": verdict, **more})
    return sample.assessment().model_copy(update={"goals": {goal: rating}, "evidence": evidence})


@cache
def schema() -> Any:
    return pytest.importorskip("xmlschema").XMLSchema(SCHEMA)


@pytest.mark.parametrize("name", MADE)
def test_every_document_is_valid(name: str) -> None:
    schema().validate(JunitRenderer().render(MADE[name], ABOUT))


@pytest.mark.parametrize("name", MADE)
def test_a_reader_of_junit_counts_the_same(name: str) -> None:
    junitparser = pytest.importorskip("junitparser")
    text = JunitRenderer().render(MADE[name], ABOUT)
    read = junitparser.JUnitXml.fromstring(text.encode())
    told_counts = [(s.tests, s.failures, s.errors, s.skipped) for s in read]
    read.update_statistics()
    assert told_counts == [(s.tests, s.failures, s.errors, s.skipped) for s in read]
    found = suites(MADE[name])
    for suite in read:
        for case in suite:
            results = [type(r).__name__.lower() for r in case.result] or ["passed"]
            assert results == [state(found[suite.name][case.name])]


@pytest.mark.parametrize("name", MADE)
def test_the_cases_of_a_goal_agree_with_its_verdict(name: str) -> None:
    assessment = MADE[name]
    found = suites(assessment)
    assert list(found) == [str(g) for g in Goal if g in assessment.goals]
    for goal, rating in assessment.goals.items():
        states = [state(case) for case in found[goal].values()]
        if rating.verdict is Verdict.NOT_MET:
            assert "failure" in states
        else:
            assert "failure" not in states
        if rating.verdict is Verdict.INCONCLUSIVE:
            assert {"skipped", "error"} & set(states)
        if rating.verdict is Verdict.NOT_ASSESSED:
            assert set(states) == {"skipped"}
        if rating.verdict is Verdict.MET:
            assert "passed" in states


def test_a_goal_that_is_not_met_fails_for_who_breaks_it() -> None:
    case = suites(EVERY_STATUS)["integrity"]["outsider"]
    (failure,) = case
    assert failure.tag == "failure"
    assert "succeeds in 62 % of tries with the attack good-words" in failure.attrib["message"]
    assert (
        "Repeat it with: goalkeeper run application.yaml --only integrity --attack good-words"
        in (failure.text or "")
    )
    assert case.attrib["classname"] == "goalkeeper.integrity"


def test_what_is_inconclusive_or_not_rated_is_skipped_with_the_reason() -> None:
    found = suites(EVERY_STATUS)
    (skipped,) = found["availability"]["contributor"]
    message = skipped.attrib["message"]
    assert message.startswith("Not conclusive: 20 more retrainings would settle it. Measured so")
    assert "A contributor does 5.2 times the harm" in message
    for case in found["privacy"].values():
        (skipped,) = case
        assert "no need for privacy was declared" in skipped.attrib["message"]


def test_an_attack_that_failed_to_run_is_an_error() -> None:
    failed = tuple(e for e in not_run() if e.status is Status.FAILED_TO_RUN)
    goal = failed[0].goals[0]
    found = suites(rated(goal, Verdict.INCONCLUSIVE, failed, because=()))[goal]
    assert state(found[failed[0].attacker]) == "error"


def test_what_a_stopped_run_did_not_make_is_named_once_and_not_repeated_alone() -> None:
    """The reason says how to go on; a command for one of the attacks would leave out the rest."""
    (one,) = (e for e in not_run() if e.status is Status.NOT_TESTED)
    other = one.model_copy(update={"id": "E99", "attack": "other"})
    found = suites(rated(one.goals[0], Verdict.INCONCLUSIVE, (one, other), because=()))
    (skipped,) = found[one.goals[0]][one.attacker]
    assert skipped.attrib["message"].startswith(f"Not tested: {one.attack}, other: ")
    assert not skipped.text


def test_what_was_left_out_is_not_passed_where_the_goal_is_not_met() -> None:
    """Nothing was shown of an attacker whose runs stopped mattering; where met, they cost more."""
    (evidence, *_) = (e for e in sample.assessment().evidence if e.goals == (N,))
    left_out = evidence.model_copy(
        update={
            "id": "E99", "attacker": "insider", "rated": None, "unit": "",
            "result": evidence.result.model_copy(update={"status": Status.NOT_NEEDED}),
        }
    )  # fmt: skip
    not_met = rated(N, Verdict.NOT_MET, (evidence, left_out), because=(evidence.id,))
    assert state(suites(not_met)[N]["insider"]) == "skipped"
    assert state(suites(not_met)[N]["outsider"]) == "failure"
    met = rated(N, Verdict.MET, (left_out,), because=())
    assert state(suites(met)[N]["insider"]) == "passed"


def test_a_doubtful_model_is_nobodys_alone() -> None:
    """Everything was withstood, yet the goal is inconclusive: a case says why."""
    withstood = tuple(e for e in sample.assessment().evidence if e.goals == (C,))
    rating: dict[str, Any] = {"reason": "It may be another model.", "because": ()}
    found = suites(rated(C, Verdict.INCONCLUSIVE, withstood, **rating))[C]
    assert state(found["any attacker"]) == "skipped"
    assert found["any attacker"][0].attrib["message"] == "It may be another model."


def test_times_add_up_and_count_a_shared_run_once() -> None:
    shared = sample.many_attackers(1)
    took = tuple(
        e.model_copy(update={"result": e.result.model_copy(update={"took": 2.5})})
        for e in shared.evidence
        if e.unit == "unit0"
    )
    goal = took[0].goals[0]
    made = rated(goal, Verdict.NOT_MET, took, because=tuple(e.id for e in took))
    root = ET.fromstring(JunitRenderer().render(made, ABOUT))  # noqa: S314 - our own
    assert root.attrib["time"] == "2.500"
    assert sorted({c.attrib["time"] for c in root.iter("testcase")}) == ["0.000", "2.500"]


def test_hostile_text_stays_text() -> None:
    rating: GoalRating = sample.goals()[P].model_copy(
        update={"verdict": Verdict.INCONCLUSIVE, "reason": HOSTILE}
    )
    made = EVERY_STATUS.model_copy(update={"goals": {P: rating}, "evidence": ()})
    messages = [e.attrib["message"] for case in suites(made)[P].values() for e in case]
    assert any("<script>" in text and "<U+202E>" in text for text in messages)
