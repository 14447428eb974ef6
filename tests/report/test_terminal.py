from __future__ import annotations

import io

import pytest
from rich.console import Console

from goalkeeper.report import render_terminal
from goalkeeper.report.words import MARKS
from tests.report import sample


def printed(width: int, encoding: str = "utf-8", *, colour: bool = False) -> str:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="\n") as stream:
        console = Console(file=stream, width=width, force_terminal=colour)
        render_terminal(sample.assessment(), console, sample.context())
        stream.flush()
        return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_verdicts_and_findings_are_told_at_any_width(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for goal, rating in sample.goals().items():
        assert str(goal).capitalize() in words
        assert f"{MARKS[rating.verdict].symbol} {MARKS[rating.verdict].word}" in words
    assert "62 % (57 to 67 %), baseline 2 %, n = 400" in words
    assert "withstood the tested portfolio" in words


def test_the_verdicts_come_first() -> None:
    text = printed(120)
    assert text.index("✕ not met") < text.index("Findings") < text.index("What was not tested")


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
    for mark in MARKS.values():
        assert f"{mark.plain} {mark.word}" in text


def test_private_exhibits_are_not_printed() -> None:
    assert sample.PRIVATE not in printed(200)
