"""The report as Markdown: what it tells, and that no text of an assessment becomes markup."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from goalkeeper.report import Context, renderers
from goalkeeper.report.renderers.markdown import MarkdownRenderer, _escape
from goalkeeper.report.words import VERDICT_LABELS
from tests.report import sample
from tests.report.results import HOSTILE
from tests.report.test_people import told


def rendered() -> str:
    return MarkdownRenderer().render(sample.assessment(), sample.context())


def test_tells_the_verdict_and_the_reason_of_every_goal() -> None:
    text = rendered()
    assert text.startswith("# Mail filter of the accounts department: not met\n")
    for goal, rating in sample.goals().items():
        label = VERDICT_LABELS[rating.verdict]
        assert f"\n## {str(goal).capitalize()}: {label.word}\n\n" in text
        assert _escape(rating.reason or label.meaning) in text


def test_tells_what_decided_and_what_was_not_tested() -> None:
    text = rendered()
    deciding = text[text.index("## Integrity") : text.index("## Availability")]
    assert "### good-words on harmful-passes: succeeds" in deciding
    assert re.search(r"Success rate: \*\*\d+ % \(\d+ to \d+ %\), baseline .*n = ", deciding)
    missing = text[text.index("## What was not tested") :]
    assert "failed to run" in missing
    assert "| full knowledge of the model (has none) | 2 |" in missing


def test_people_are_numbers_unless_their_names_are_asked_for() -> None:
    hidden = MarkdownRenderer().render(told(), Context())
    assert "person 1" in hidden
    assert not any(name in hidden for name in ("alice smith", "bob"))
    assert "person bob" in MarkdownRenderer().render(told(), Context(show_private=True))


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "# heading",
        "1. item",
        "1) item",
        "- item",
        "+ item",
        "=====",
        "---",
        "[a](javascript:alert(1)) ![b](https://evil.example/x.png) <https://evil.example>",
        "`code` **strong** _emphasis_ ~~gone~~ &lt; a\nb\n\n    c",
        "a | b",
        "\\*twice\\*",
        "keeps_its_name and 3.5 %",
    ],
)
def test_a_text_stays_text(text: str) -> None:
    """A parser of CommonMark, with tables, reads one paragraph of plain text: the text itself."""
    for line in (_escape(text), f"- {_escape(text)}"):
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        tokens = [t for t in parser.parse(line) if t.type == "inline"]
        (inline,) = tokens
        assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
        assert "".join(c.content for c in inline.children or ()) == " ".join(text.split())


def test_tables_keep_their_columns() -> None:
    assessment = sample.assessment()
    skipped = assessment.plan[1].model_copy(update={"reasons": ("needs a | b \\| c",)})
    assessment = assessment.model_copy(update={"plan": (skipped,)})
    text = MarkdownRenderer().render(assessment, sample.context())
    html = MarkdownIt("commonmark").enable("table").render(text)
    tables = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    assert len(tables) == 3
    assert "<td>needs a | b \\| c</td>" in tables[2]
    assert "<script" not in html
    assert "<img" not in html


def test_it_is_found_by_its_name() -> None:
    assert renderers()["markdown"] is MarkdownRenderer
