from __future__ import annotations

import io

import pytest
from rich.console import Console

from goalkeeper.core.assessment import Assessment, Gap, PlanRow
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import render_terminal
from goalkeeper.report.words import VERDICT_LABELS
from tests.report import results, sample


def printed(
    width: int,
    encoding: str = "utf-8",
    *,
    colour: bool = False,
    assessment: Assessment | None = None,
) -> str:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="\n") as stream:
        console = Console(file=stream, width=width, force_terminal=colour)
        render_terminal(assessment or sample.assessment(), console, sample.context())
        stream.flush()
        return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_verdicts_and_findings_are_told_at_any_width(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for goal, rating in sample.goals().items():
        assert str(goal).capitalize() in words
        assert (
            f"{VERDICT_LABELS[rating.verdict].symbol} {VERDICT_LABELS[rating.verdict].word}"
            in words
        )
    assert "62 % (57 to 67 %), baseline 2 %, n = 400" in words
    assert "withstood the tested portfolio" in words


def test_the_verdicts_come_first() -> None:
    text = printed(120)
    order = ("✕ not met", "Recommended defences", "What was not tested")
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_every_piece_of_evidence_is_named() -> None:
    text = printed(160)
    for evidence in sample.assessment().evidence:
        assert evidence.attack in text


def test_without_colour_nothing_is_lost_and_nothing_controls_the_terminal() -> None:
    text = printed(100)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold red]markup[/bold red]" in " ".join(text.split())


def test_with_colour_only_our_own_codes_are_written() -> None:
    text = printed(100, colour=True)
    assert "\x1b[1;31m" in text
    assert "\x1b[2J" not in text
    assert "\x1b]0;" not in text


def test_plain_symbols_where_the_terminal_knows_no_others() -> None:
    text = printed(100, "ascii")
    for label in VERDICT_LABELS.values():
        assert f"{label.ascii_symbol} {label.word}" in text


def test_private_exhibits_are_not_printed() -> None:
    assert results.PRIVATE not in printed(200)


def test_an_attack_run_that_attackers_share_is_printed_once_with_what_it_costs_each() -> None:
    text = printed(120, assessment=sample.many_attackers(runs=1))
    assert text.count("good-words on harmful-passes") == 1
    assert text.count("62 % (57 to 67 %)") == 1
    words = " ".join(text.split())
    costs = ", ".join(f"{name} {4 * i}" for i, name in enumerate(sample.ATTACKERS))
    assert f"attack potential: {costs}" in words
    assert "--attack good-words --attacker outsider --seed 7" in words


def test_attackers_have_no_article() -> None:
    text = " ".join(printed(120, assessment=sample.many_attackers(runs=5)).split())
    assert not any(f"the {name}" in text for name in sample.ATTACKERS)


def nothing_installed(variants: int) -> Assessment:
    """Two attackers could use many variants for which there is no attack."""
    base = sample.assessment()
    names = [f"evasion.kind{i}" for i in range(variants)]
    why = "goalkeeper has no attack of this variant for text yet"
    pairs = [(name, who) for name in names for who in ("outsider", "customer")]
    plan = tuple(
        PlanRow(
            attack="", game="evasion", task=name, variant=name, attacker=who, status="skipped",
            reasons=(why,),
        )
        for name, who in pairs
    )  # fmt: skip
    not_run = tuple(
        results.good_words().model_copy(
            update={
                "id": f"{name}-{who}", "attack": "", "task": name, "variant": name,
                "attacker": who, "unit": "", "rated": None,
                "result": AttackResult(status=Status.NOT_TESTED, reason=why),
            }
        )
        for name, who in pairs
    )  # fmt: skip
    gaps = tuple(Gap(variant=n, attacker=w, reason=f"not tested: {why}") for n, w in pairs)
    rating = base.goals[Goal.AVAILABILITY]
    rating = rating.model_copy(update={"not_tested": (*rating.not_tested, *gaps)})
    return base.model_copy(
        update={
            "goals": base.goals | {Goal.AVAILABILITY: rating},
            "plan": (*base.plan, *plan),
            "evidence": (*base.evidence, *not_run),
        }
    )


def test_what_was_not_tested_is_told_in_a_few_lines_by_reason() -> None:
    text = printed(400, assessment=nothing_installed(29))
    section = text.partition("What was not tested")[2]
    lines = [line.strip() for line in section.splitlines() if line.startswith("- ")]
    assert len(lines) <= 9  # of which one is a failure
    why = "; and 21 more: goalkeeper has no attack of this variant for text yet"
    (shared,) = [line for line in lines if why in line]
    assert shared.startswith("- evasion, kind0; ")
    assert "The HTML report lists" in section
    assert not any(line.startswith("-  on") for line in lines)


def test_many_reasons_are_cut_and_said_to_be_cut() -> None:
    base = sample.assessment()
    gaps = tuple(Gap(variant=f"v{i}", attacker="outsider", reason=f"why {i}") for i in range(30))
    rating = base.goals[Goal.AVAILABILITY].model_copy(update={"not_tested": gaps})
    goals = base.goals | {Goal.AVAILABILITY: rating}
    text = printed(200, assessment=base.model_copy(update={"goals": goals}))
    assert "why 29" in text
    assert "why 20" not in text
    assert "28 more lines" in text


@pytest.mark.parametrize("width", [40, 60, 71, 80, 97])
def test_no_line_breaks_between_a_number_and_what_it_is_of(width: int) -> None:
    lines = [line.strip() for line in printed(width).splitlines()]
    assert any("n = " in line for line in lines)
    torn = [line for line in lines if line.endswith(("n", "n =")) or line.startswith(("= ", "% "))]
    assert not [line for line in torn if line.endswith((" n", "n =")) or line[0] in "=%"]


def test_what_stands_in_sentences_is_explained() -> None:
    shown = " ".join(printed(100).split())
    assert "n, the inputs or records measured" in shown
    assert "points say what an attack costs" in shown
