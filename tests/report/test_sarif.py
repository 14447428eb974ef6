"""The SARIF log: valid, its findings at their lines, and the same identities in every run."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.standing import Standing
from goalkeeper.report import Context, Report
from goalkeeper.report.application_file import ApplicationFile
from goalkeeper.report.renderers.sarif import SarifRenderer
from goalkeeper.report.words import VERDICT_LABELS
from tests.report import sample
from tests.report.results import PRIVATE
from tests.report.test_people import told

SCHEMA = Path(__file__).parent / "schemas" / "sarif-2.1.0.json"
SOURCE = ApplicationFile(
    path="models/mail filter/application.yaml",
    lines={"needs": 20, "needs.integrity": 21, "attackers": 30, "attackers.outsider": 31},
)
ABOUT = Context(source=SOURCE, commands={"run": "goalkeeper run application.yaml"})


@cache
def validator() -> Any:
    schema = json.loads(SCHEMA.read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def run_of(assessment: Assessment, context: Context = ABOUT) -> dict[str, Any]:
    log = json.loads(SarifRenderer().render(assessment, context))
    problems = [f"{e.json_path}: {e.message[:200]}" for e in validator().iter_errors(log)]
    assert problems == []
    run: dict[str, Any] = log["runs"][0]
    return run


def by_rule(run: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for result in run["results"]:
        found.setdefault(result["ruleId"], []).append(result)
    return found


@pytest.mark.parametrize(
    "assessment",
    [
        sample.assessment(),
        sample.many_attack_runs(20),
        sample.many_attackers(20),
        told(),
        sample.assessment().model_copy(update={"goals": {}, "evidence": (), "plan": ()}),
    ],
    ids=["every status", "many runs", "many attackers", "people", "nothing"],
)
@pytest.mark.parametrize("context", [ABOUT, Context(), Context(failures_only=True)])
def test_every_log_is_valid(assessment: Assessment, context: Context) -> None:
    run = run_of(assessment, context)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["level"] == "error") == (result["kind"] == "fail")
        assert len(result["locations"]) == 1
    prints = [result["partialFingerprints"]["goalkeeper/v1"] for result in run["results"]]
    assert len(prints) == len(set(prints))


def test_verdicts_are_results_of_the_rules_of_goals() -> None:
    found = by_rule(run_of(sample.assessment()))
    kinds = {
        Verdict.MET: "pass",
        Verdict.NOT_MET: "fail",
        Verdict.INCONCLUSIVE: "open",
        Verdict.NOT_ASSESSED: "notApplicable",
    }
    report = Report.of(sample.assessment(), context=sample.context())
    parts = {part.goal: part for part in report.goals}
    for goal, rating in sample.goals().items():
        (result,) = found[f"goal.{goal}"]
        assert result["kind"] == kinds[rating.verdict]
        text = result["message"]["text"]
        assert text.startswith(f"{str(goal).capitalize()}: {VERDICT_LABELS[rating.verdict].word}. ")
        assert text.removesuffix("…").endswith(parts[goal].sentence)


def test_a_result_points_to_the_need_or_to_the_attacker() -> None:
    found = by_rule(run_of(sample.assessment()))

    def place(result: dict[str, Any]) -> tuple[str, int]:
        physical = result["locations"][0]["physicalLocation"]
        return physical["artifactLocation"]["uri"], physical["region"]["startLine"]

    assert SOURCE.uri == "models/mail%20filter/application.yaml"
    assert place(found["goal.integrity"][0]) == (SOURCE.uri, 21)
    assert place(found["goal.privacy"][0]) == (SOURCE.uri, 20), "a need that the file lacks"
    attack = found["evasion.good_words"][0]
    assert attack["kind"] == "fail"
    assert place(attack) == (SOURCE.uri, 31)
    related = attack["relatedLocations"][0]["physicalLocation"]
    assert related["region"]["startLine"] == 21
    assert "n = 400" in attack["properties"]["measured"]
    assert attack["properties"]["repeat"].startswith(
        "goalkeeper run 'models/mail filter/application.yaml' --only integrity"
    )


def test_what_was_not_tested_is_open_and_what_does_not_apply_is_said_so() -> None:
    assessment = sample.assessment()
    kinds = {
        Status.NOT_TESTED: "open",
        Status.EXCLUDED: "open",
        Status.FAILED_TO_RUN: "open",
        Status.NOT_APPLICABLE: "notApplicable",
    }
    run = run_of(assessment)
    for evidence in assessment.evidence:
        if evidence.status in kinds:
            texts = {
                r["message"]["text"].partition(" by ")[0]: r["kind"]
                for r in by_rule(run)[evidence.variant]
            }
            assert texts[evidence.attack or evidence.variant] == kinds[evidence.status]
    (invocation,) = run["invocations"]
    failed = [e for e in assessment.evidence if e.status is Status.FAILED_TO_RUN]
    errors = [n for n in invocation["toolExecutionNotifications"] if n["level"] == "error"]
    assert failed
    assert not invocation["executionSuccessful"]
    assert len(errors) == len(failed)


def test_what_rests_on_an_assumption_is_no_failure() -> None:
    assessment = sample.assessment()
    standing = Standing.by_assumption("no property is declared")
    evidence = tuple(e.model_copy(update={"standing": standing}) for e in assessment.evidence)
    found = by_rule(run_of(assessment.model_copy(update={"evidence": evidence})))
    kinds = {r["kind"] for rule, rs in found.items() if "goal." not in rule for r in rs}
    assert kinds == {"informational"}


def test_identities_do_not_depend_on_what_was_measured() -> None:
    """Another model of the same application: other numbers, outcomes, hashes and versions."""
    before = sample.assessment()
    evidence = tuple(
        e.model_copy(update={"id": f"{e.id}-later", "unit": "other", "rated": None})
        for e in before.evidence
    )
    app = before.application.model_copy(update={"fingerprint": "beef" * 10, "hashes": {}})
    after = before.model_copy(update={"evidence": evidence, "application": app, "seed": 99})

    def identities(assessment: Assessment) -> set[tuple[str, str]]:
        results = run_of(assessment)["results"]
        return {(r["ruleId"], r["partialFingerprints"]["goalkeeper/v1"]) for r in results}

    assert identities(before) == identities(after)
    other = app.model_copy(update={"name": "Another filter"})
    assert not identities(before) & identities(before.model_copy(update={"application": other}))


def test_only_failures_where_every_result_becomes_an_alert() -> None:
    run = run_of(sample.assessment(), Context(failures_only=True))
    assert {r["kind"] for r in run["results"]} == {"fail"}
    assert {r["ruleId"] for r in run["results"]} == {"goal.integrity", "evasion.good_words"}


def test_catalogues_are_taxonomies_that_rules_refer_to() -> None:
    run = run_of(sample.assessment())
    listed = {t["name"]: [taxon["id"] for taxon in t["taxa"]] for t in run["taxonomies"]}
    assert listed == {"CWE": ["CWE-1039"], "MITRE ATLAS": ["AML.T0015"]}
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    good_words = rules["evasion.good_words"]
    for relationship in good_words["relationships"]:
        target = relationship["target"]
        name = run["taxonomies"][target["toolComponent"]["index"]]["name"]
        assert listed[name][target["index"]] == target["id"]
    assert "external/cwe/cwe-1039" in good_words["properties"]["tags"]
    assert "Lowd" in SarifRenderer().render(sample.assessment(), sample.context())


def test_messages_hold_no_links_of_an_assessment() -> None:
    evil = "Read [this](https://evil.example) and {0}, or C:\\temp."
    escaped = "Read \\[this\\](https://evil.example) and {{0}}, or C:\\\\temp."
    base = sample.assessment()
    rating = base.goals[Goal.INTEGRITY].model_copy(update={"reason": evil})
    undecided = {"goals": {Goal.INTEGRITY: rating}, "evidence": ()}
    renamed = {"evidence": tuple(e.model_copy(update={"attacker": evil}) for e in base.evidence)}
    for changed in (undecided, renamed):
        found = by_rule(run_of(base.model_copy(update=changed)))
        text = found["goal.integrity"][0]["message"]["text"]
        assert escaped.rstrip(".") in text
        assert evil.rstrip(".") not in text


def test_people_and_private_examples_stay_out() -> None:
    text = SarifRenderer().render(told(), ABOUT)
    assert not any(name in text for name in ("alice smith", "bob"))
    assert PRIVATE not in SarifRenderer().render(sample.assessment(), ABOUT)
