"""Reports stay short for any number of attack runs, and still lead to every one."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from goalkeeper.core.assessment import Assessment, Bracket, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import Report, render_html, render_terminal
from goalkeeper.report.deciding import RunOutcome, determine_outcome
from goalkeeper.report.finding import group_runs
from tests.report import results, sample
from tests.report.page import Page

FEW, MANY = 40, 90
MOST_BYTES = 350_000  # of report.html with 40 attack runs
MOST_MORE = 5_000  # bytes for each further attack run
ID = results.good_words().id
MOST_LINES = {80: 84, 100: 74}  # of the terminal report, by width; lines wrap, none is cut
MOST_AT_THE_END = {80: 38, 100: 34}  # of what a run prints at its end


@pytest.fixture(scope="module")
def pages() -> dict[int, str]:
    return {n: render_html(sample.many_attack_runs(n), sample.context()) for n in (FEW, MANY)}


def lines(assessment: Assessment, width: int, *, brief: bool = False) -> list[str]:
    stream, context = io.StringIO(), sample.context()
    render_terminal(assessment, Console(file=stream, width=width), context, brief=brief)
    return stream.getvalue().splitlines()


def test_the_page_of_forty_attack_runs_is_small_and_grows_slowly(pages: dict[int, str]) -> None:
    few, many = (len(pages[n].encode()) for n in (FEW, MANY))
    assert few <= MOST_BYTES
    assert (many - few) / (MANY - FEW) <= MOST_MORE


def test_findings_in_full_are_bounded_by_goals_and_attackers_not_by_attack_runs(
    pages: dict[int, str],
) -> None:
    figures = [html.count("<svg") for html in pages.values()]
    assert figures[1] <= figures[0] + 5
    for n in (FEW, MANY):
        full = [f for f in Report.of(sample.many_attack_runs(n), context=sample.context()).findings
                if f.decides]  # fmt: skip
        brackets = (3 + 3) * len(sample.ATTACKERS)  # three integrity levels, three other goals
        assert len(full) <= brackets + len(Goal)


def test_every_attack_run_is_on_the_page_with_its_numbers_and_evidence(
    pages: dict[int, str],
) -> None:
    for n, html in pages.items():
        made = sample.many_attack_runs(n)
        text = Page(html).root.text
        for e in made.evidence:
            if e.status is Status.TESTED:
                assert f"{e.attack} on {e.task}" in text
                assert e.id in text
        anchors = set(re.findall(r'id="(finding-\d+)"', html))
        assert anchors == {f"finding-{i + 1}" for i in range(len(group_runs(made)))}


def test_a_row_says_what_was_found_and_its_outcome(pages: dict[int, str]) -> None:
    report = Report.of(sample.many_attack_runs(FEW), context=sample.context())
    found = {r.attrs["id"]: r.text for r in Page(pages[FEW]).find("tr") if "id" in r.attrs}
    rows = [f for part in report.goals for f in part.rows]
    assert {f.anchor for f in rows} == set(found)
    assert len(rows) > FEW // 4
    for f in rows:
        assert f.headline is not None
        numbers = (f.headline.value, f.headline.interval, f.headline.baseline)
        words = (*numbers, f.headline.n.removeprefix("n = "), f.sentence, f.outcome)
        assert all(word in found[f.anchor] for word in words)


@pytest.mark.parametrize("width", list(MOST_LINES))
@pytest.mark.parametrize("count", [FEW, MANY])
def test_the_terminal_report_is_short(count: int, width: int) -> None:
    made = sample.many_attack_runs(count)
    assert len(lines(made, width)) <= MOST_LINES[width]
    assert len(lines(made, width, brief=True)) <= MOST_AT_THE_END[width]


@pytest.mark.parametrize("brief", [False, True])
def test_no_sentence_is_cut(*, brief: bool) -> None:
    made = sample.many_attack_runs(MANY)
    long = "the description says why at length " * 40
    advice = made.advice[0].model_copy(update={"reason": f"{long}advice-ends-here"})
    goals = {g: r.model_copy(update={"doubt": f"{long}doubt-ends-here"}) for g, r in
             made.goals.items()}  # fmt: skip
    changed = made.model_copy(update={"advice": (advice, *made.advice[1:]), "goals": goals})
    for width in MOST_LINES:
        text = " ".join(lines(changed, width, brief=brief))
        assert "advice-ends-here" in text
        assert "doubt-ends-here" in text
        assert "\u2026" not in text


def test_the_first_thing_on_the_page_is_verdict_number_and_advice(pages: dict[int, str]) -> None:
    cards = [a for a in Page(pages[FEW]).find("article")
             if "verdict" in a.attrs.get("class", "").split()]  # fmt: skip
    assert len(cards) == len(Goal)
    integrity = cards[0].text
    for words in ("Not met", "62 %", "57 to 67 %", "without it: 2 %", "n = 400"):
        assert words in integrity
    advice = "Do first: Adversarial training: added words should no longer outweigh the rest"
    assert advice in " ".join(integrity.split())
    html = pages[FEW]
    assert html.index('class="card verdict') < html.index("<nav") < html.index('class="card find')


def test_what_was_not_run_is_listed_by_reason_with_a_count() -> None:
    one = results.not_run()[2]
    again = one.model_copy(update={"id": "E08b", "attacker": "customer"})
    made = sample.assessment().model_copy(update={"evidence": (one, again)})
    (row,) = Report.of(made, context=sample.context()).not_run.rows
    why = "the run was stopped before this attack was run"
    named = "attack-e08 on harmful-passes (outsider, customer)"
    assert row == (why, "not tested", "2", named)


@pytest.mark.parametrize(
    ("verdict", "because", "level", "points", "expected"),
    [
        (Verdict.NOT_MET, ID, (4, 4), 2, RunOutcome.SUCCEEDS),
        (Verdict.INCONCLUSIVE, ID, (0, 4), 2, RunOutcome.INCONCLUSIVE),
        (Verdict.MET, ID, (0, 1), 2, RunOutcome.WITHSTOOD),
        (Verdict.NOT_MET, "", (0, 4), 2, RunOutcome.INCONCLUSIVE),
        (Verdict.NOT_MET, "", (3, 4), 30, RunOutcome.TOO_COSTLY),
        (Verdict.NOT_MET, "", (0, 4), 30, RunOutcome.WITHSTOOD),
        (Verdict.NOT_MET, "", (0, 2), 2, RunOutcome.WITHSTOOD),
        (Verdict.NOT_ASSESSED, "", (4, 4), 2, RunOutcome.UNRATED),
    ],
)
def test_outcome_of_an_attack_run(
    verdict: Verdict, because: str, level: tuple[int, int], points: int, expected: RunOutcome
) -> None:
    """Critical from level 3, below 14 points."""
    rated = results.rated("success_rate", *level, results.potential(points))
    one = results.good_words().model_copy(update={"rated": rated})
    rating = sample.rating(
        Goal.INTEGRITY, 1, verdict, risk=Bracket(low=1, high=1), demonstrated=2, potential=2,
        exposure=Bracket(low=0, high=4), because=(because,) if because else (),
    )  # fmt: skip
    assert determine_outcome((one,), rating) is expected


def test_an_outcome_is_that_of_the_attacker_who_got_furthest() -> None:
    dear = results.rated("success_rate", 4, 4, results.potential(30))
    first, *_, last = sample.shared(results.good_words(), "unit")
    group = (first, last.model_copy(update={"rated": dear}))
    rating = sample.goals()[Goal.INTEGRITY].model_copy(update={"because": (group[0].id,)})
    assert determine_outcome(group, rating) is RunOutcome.SUCCEEDS
    assert determine_outcome(group[-1:], rating) is RunOutcome.TOO_COSTLY


def test_the_worst_attack_run_of_each_attacker_is_shown_in_full_and_a_repetition_is_not() -> None:
    strong, weak = results.good_words(), results.good_words()
    weak = weak.model_copy(
        update={
            "rated": results.rated("success_rate", 1, 2, results.potential(2)),
            "attack": "weak",
            "id": "weak",
        }
    )
    evidence = (*sample.shared(strong, "a"), *sample.shared(strong, "b"), weak)
    made = sample.assessment().model_copy(update={"evidence": evidence})
    shown = {f.ids[0]: f.decides for f in Report.of(made, context=sample.context()).findings}
    assert shown == {"a-outsider": True, "b-outsider": False, "weak": False}
