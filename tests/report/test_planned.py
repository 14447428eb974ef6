"""What became of the planned attack runs is counted, and listed by reason."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from rich.console import Console

from goalkeeper.core.assessment import Assessment, PlanRow
from goalkeeper.core.evidence import AttackResult, Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.standing import Standing, StandingKind
from goalkeeper.report import render_html, render_terminal, renderers
from goalkeeper.report.goalpart import OUTCOME_WORDS
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context
from goalkeeper.report.planned import NOT_PLANNED
from goalkeeper.report.summary import summarise, summarise_html
from tests.report import results, sample
from tests.report.page import Page

SETTLED = "already shown not to be met: integrity; --exhaustive runs it"
WITHSTOOD = "the same attack by an attacker with more power was withstood"
DEAR = "costs this attacker too much to decide; --exhaustive runs it"
LATE = "the run was stopped before this attack run"


def piece(unit: str, who: str, status: Status, why: str = "") -> tuple[PlanRow, Evidence]:
    """Return a planned attack run of one attacker and its evidence; each has the same names."""
    ran = status in (Status.TESTED, Status.CONTROL_FAILED, Status.FAILED_TO_RUN)
    kept = ran or why == LATE
    one = results.good_words().model_copy(
        update={
            "id": f"E{unit}{who}", "attacker": who, "unit": unit if kept else "", "look": 1,
            "looks": 2 if ran else 1,
        }
    )  # fmt: skip
    if not ran:
        left = AttackResult(status=status, reason=why, limited=why == LATE)
        one = one.model_copy(update={"result": left, "rated": None})
    row = PlanRow(
        attack=one.attack, game=one.game, task=one.task, variant=one.variant, attacker=who,
        status="planned", goals=one.goals, unit=unit, evidence=one.id,
    )  # fmt: skip
    return row, one


def assessed(pieces: Sequence[tuple[PlanRow, Evidence]]) -> Assessment:
    plan, evidence = zip(*pieces, strict=True)
    return sample.assessment().model_copy(update={"plan": plan, "evidence": evidence})


@pytest.fixture
def mixed() -> Assessment:
    """Two made, one by two attackers; three not needed, one covered, one too late, one not planned.

    All have the same attack, task and variant, so that names alone do not tell them apart.
    """
    row, dear = piece("", "insider", Status.NOT_NEEDED, DEAR)
    skipped = row.model_copy(update={"status": "skipped", "unit": "", "reasons": (DEAR,)})
    return assessed(
        [
            (skipped, dear),
            piece("u1", "insider", Status.TESTED),
            piece("u2", "customer", Status.TESTED),
            piece("u2", "outsider", Status.TESTED),
            piece("u3", "insider", Status.NOT_NEEDED, SETTLED),
            piece("u4", "insider", Status.NOT_NEEDED, SETTLED),
            piece("u5", "customer", Status.NOT_NEEDED, SETTLED),
            piece("u5", "outsider", Status.NOT_NEEDED, SETTLED),
            piece("u6", "outsider", Status.COVERED, WITHSTOOD),
            piece("u7", "outsider", Status.NOT_TESTED, LATE),
        ]
    )


SENTENCE = (
    "7 attack runs planned: 2 made, 3 not needed, 1 covered by a stronger attacker, 1 stopped by "
    "the time limit. Of those made, 2 used a quarter of the sample."
)


def printed(assessment: Assessment) -> str:
    stream = io.StringIO()
    render_terminal(assessment, Console(file=stream, width=400))
    return stream.getvalue()


def test_one_sentence_counts_all_planned_attack_runs_in_every_format(mixed: Assessment) -> None:
    assert SENTENCE in printed(mixed)
    assert SENTENCE in Page(render_html(mixed)).root.text
    assert SENTENCE in summarise(mixed)
    assert SENTENCE in summarise_html(mixed)


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.EXCLUDED])
def test_the_counts_add_up_whatever_became_of_a_run(status: Status) -> None:
    pieces = [piece("u1", "insider", Status.TESTED), piece("u2", "insider", status, "why")]
    text = Report.of(assessed(pieces), context=Context()).counts
    planned, *counts = map(int, re.findall(r"\d+", text.partition(". ")[0]))
    assert planned == sum(counts) == 2


def test_attack_runs_of_files_without_ids_are_found_by_their_unit(mixed: Assessment) -> None:
    plan = tuple(row.model_copy(update={"evidence": ""}) for row in mixed.plan if row.unit < "u3")
    text = Report.of(mixed.model_copy(update={"plan": plan}), context=Context()).counts
    assert text.startswith("2 attack runs planned: 2 made.")


def test_what_was_not_needed_has_a_table_with_a_row_for_each_reason(mixed: Assessment) -> None:
    table = Report.of(mixed, context=Context()).left_out
    assert [row[:2] for row in table.rows] == [
        (SETTLED, "3"), (WITHSTOOD, "1"), (DEAR, NOT_PLANNED)
    ]  # fmt: skip
    assert table.rows[0][2] == "good-words on harmful-passes (insider, customer, outsider)"
    assert "Not needed: no verdict depends on it" in render_html(mixed)


def test_what_was_not_needed_is_not_among_what_was_not_tested(mixed: Assessment) -> None:
    report = Report.of(mixed, context=Context())
    assert [row[0] for row in report.not_run.rows] == [LATE]
    assert not report.skipped
    section = printed(mixed).partition("What was not tested")[2]
    assert LATE in section
    assert "not needed" not in section
    assert WITHSTOOD not in section


def test_each_goal_says_how_many_runs_were_left_out(mixed: Assessment) -> None:
    part = next(g for g in Report.of(mixed, context=Context()).goals if g.goal is Goal.INTEGRITY)
    assert part.counted == (
        "7 attack runs were planned for this goal: 2 inconclusive, 3 not needed, 1 "
        "covered by a stronger attacker, 1 stopped by the time limit."
    )


def test_what_is_open_for_a_goal_that_is_not_met_would_settle_nothing() -> None:
    base = sample.assessment()
    gaps = base.goals[Goal.AVAILABILITY].not_tested
    shown = base.goals[Goal.INTEGRITY].model_copy(update={"not_tested": gaps})
    done = base.goals[Goal.AVAILABILITY].model_copy(update={"not_tested": ()})
    goals = base.goals | {Goal.INTEGRITY: shown, Goal.AVAILABILITY: done}
    text = printed(base.model_copy(update={"goals": goals}))
    assert gaps[0].reason in printed(base)
    assert gaps[0].reason not in text


def every_fate() -> Assessment:
    """What can become of a planned attack run, each at least once, with two that decide nothing."""
    apart = [piece(f"a{i}", "insider", Status.TESTED) for i in range(2)]
    standing = Standing(kind=StandingKind.NO_HARM, reason="it was granted")
    empty_row, empty = piece("u9", "insider", Status.NOT_TESTED, "there is nothing to decline")
    return assessed(
        [
            piece("u1", "insider", Status.TESTED),
            piece("u2", "insider", Status.CONTROL_FAILED),
            piece("u3", "insider", Status.FAILED_TO_RUN),
            piece("u4", "insider", Status.NOT_NEEDED, SETTLED),
            piece("u5", "insider", Status.COVERED, WITHSTOOD),
            piece("u6", "insider", Status.NOT_TESTED, LATE),
            piece("u7", "insider", Status.NOT_APPLICABLE, "the target is no model"),
            (empty_row, empty.model_copy(update={"unit": "u9"})),
            *((row, e.model_copy(update={"standing": standing})) for row, e in apart),
        ]
    )


def test_counts_add_up_over_all_and_for_each_goal() -> None:
    made = every_fate()
    report = Report.of(made, context=Context())
    planned, *others = (int(n) for n in re.findall(r"\d+", report.counts.partition(". Of")[0]))
    assert planned == sum(others) == 10
    part = next(g for g in report.goals if g.goal is Goal.INTEGRITY)
    planned, *others = (int(n) for n in re.findall(r"\d+", part.counted))
    assert planned == sum(others) == 10
    assert "2 made without deciding anything" in part.counted


@pytest.mark.parametrize("form", ["html", "markdown", "text"])
def test_every_format_gives_the_same_counts(form: str) -> None:
    made, context = every_fate(), Context()
    report = Report.of(made, context=context)
    part = next(g for g in report.goals if g.goal is Goal.INTEGRITY)
    text = renderers()[form]().render(made, context)
    words = " ".join((Page(text).root.text if form == "html" else text).split())
    assert report.counts in words
    if form == "markdown":  # short enough for a comment: the counts of each goal are elsewhere
        return
    for outcome in part.outcomes:
        assert f"{outcome.runs} {OUTCOME_WORDS[outcome.outcome]}" in words
    for count, what in part.rest:
        assert f"{count} {what}" in words


def test_a_goal_without_any_result_says_so_in_a_few_words_beside_how_much_is_open() -> None:
    bare = sample.assessment().model_copy(update={"evidence": ()})
    row = next(r for r in str(bare).splitlines() if r.startswith("Availability"))
    assert re.search(r"\bnothing yet\s+2$", row)
    assert "not excluded" not in row
