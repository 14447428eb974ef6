from __future__ import annotations

import ast
from pathlib import Path

import goalkeeper.report
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.report import Context, Report
from goalkeeper.report.parts import merge_rows
from tests.report import results, sample


def report() -> Report:
    return Report.of(sample.assessment(), context=sample.context())


def test_goals_stand_in_their_order_with_their_findings_strongest_first() -> None:
    parts = report().goals
    assert [p.goal for p in parts] == list(Goal)
    assert [f.title.split()[0] for f in parts[3].findings] == ["lira", "meta-classifier"]


def test_because_decides_the_order() -> None:
    rating = sample.goals()[Goal.PRIVACY].model_copy(update={"because": ("E05property",)})
    goals = sample.goals() | {Goal.PRIVACY: rating}
    changed = sample.assessment().model_copy(update={"goals": goals})
    found = Report.of(changed, context=Context()).goals[3].findings
    assert [f.id for f in found] == ["E05property", "E04member"]


def test_evidence_that_counts_for_two_goals_is_shown_once_and_linked() -> None:
    parts = {p.goal: p for p in report().goals}
    assert [f.id for f in parts[Goal.AVAILABILITY].findings] == ["E02poison"]
    assert [link.text for link in parts[Goal.INTEGRITY].elsewhere] == [
        "label-flip on harmless-declined"
    ]


def test_only_an_inconclusive_goal_says_what_would_settle_it() -> None:
    for part in report().goals:
        assert bool(part.settle) is (part.verdict is Verdict.INCONCLUSIVE)


def test_a_goal_that_was_not_assessed_shows_no_rating() -> None:
    part = report().goals[3]
    assert (part.risk, part.exposure, part.critical_level) == ("not rated",) * 3
    assert part.potential == ()


def test_the_cheapest_attack_is_linked_to_its_finding() -> None:
    made = report()
    cheapest = made.goals[0].cheapest
    assert cheapest is not None
    assert cheapest.anchor in {f.anchor for f in made.findings}


def test_commands_are_taken_from_the_context_or_put_together_safely() -> None:
    exact = Context(commands={"E01goodwords": "goalkeeper run mine.yaml --fast"})
    commands = {f.id: f.command for f in Report.of(sample.assessment(), context=exact).findings}
    assert commands["E01goodwords"] == "goalkeeper run mine.yaml --fast"
    hostile = results.good_words().model_copy(update={"attack": "a; rm -rf $HOME"})
    changed = sample.assessment().model_copy(update={"evidence": (hostile,)})
    (found,) = Report.of(changed, context=Context()).findings
    assert "--attack 'a; rm -rf $HOME' --attacker" in found.command


def test_advice_reaches_the_findings_it_is_for() -> None:
    advice = {f.id: [link.text for link in f.advice] for f in report().findings}
    assert advice["E02poison"] == ["adversarial training", "screen contributed data"]
    assert advice["E04member"] == []


def test_rows_that_differ_in_the_attacker_only_are_merged() -> None:
    rows = [("a", "x", "1"), ("b", "x", "1"), ("c", "y", "1"), ("a", "x", "1")]
    assert merge_rows(rows, 0) == (("a, b", "x", "1"), ("c", "y", "1"))
    why = "full knowledge of the model (has none)"
    assert (why, "2", "gradient on harmful-passes (outsider, customer)") in report().skipped.rows


def test_the_report_imports_the_core_only() -> None:
    for file in Path(goalkeeper.report.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            ours = [n for n in names if n.startswith("goalkeeper")]
            assert all(n.startswith(("goalkeeper.core", "goalkeeper.report")) for n in ours), file
