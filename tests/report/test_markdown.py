"""The report as Markdown: what it says, how long it is, and that no text becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from goalkeeper.core.assessment import Advice, Assessment, Gap, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.standing import Standing
from goalkeeper.report import Context, Report, renderers
from goalkeeper.report.application_file import ApplicationFile
from goalkeeper.report.gfm import code, escape
from goalkeeper.report.renderers.markdown import MarkdownRenderer
from goalkeeper.report.words import VERDICT_LABELS
from tests.report import sample
from tests.report.results import HOSTILE
from tests.report.test_people import told

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PINGS = "@octocat and @org/team, see #12, GH-7 or org/repo#3, write to a@example.org"


def rendered(assessment: Assessment | None = None) -> str:
    return MarkdownRenderer().render(assessment or sample.assessment(), sample.context())


def inlines(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield from token.children or ()


@cache
def worst() -> Assessment:
    """Everything at its most: every goal inconclusive, with hundreds of reasons and long texts."""
    long = f"{HOSTILE} {PINGS} " * 5
    base = sample.many_attack_runs(20)
    goals = {
        goal: rating.model_copy(
            update={
                "verdict": Verdict.INCONCLUSIVE,
                "reason": long,
                "not_tested": tuple(
                    Gap(
                        variant=f"family.variant_{i}", attacker=f"@attacker{i}", reason=f"{i}{long}"
                    )
                    for i in range(60)
                ),
            }
        )
        for goal, rating in base.goals.items()
    }
    advice = tuple(
        Advice.model_validate({"defence": long, "for": tuple(Goal), "reason": long})
        for _ in range(10)
    )
    failed = tuple(
        e.model_copy(
            update={
                "id": f"F{i}",
                "attack": f"{long}{i}",
                "result": e.result.model_copy(update={"status": Status.FAILED_TO_RUN}),
            }
        )
        for i, e in enumerate(base.evidence[:50])
    )
    apart = tuple(
        e.model_copy(
            update={
                "id": f"A{i}",
                "attack": f"{long}{i}",
                "standing": (Standing.by_assumption, Standing.no_harm)[i % 2](long),
            }
        )
        for i, e in enumerate(base.evidence[:40])
    )
    app = base.application.model_copy(update={"name": long, "description": long})
    made: dict[str, Any] = {
        "goals": goals, "advice": advice, "application": app, "complete": False,
        "evidence": (*base.evidence, *failed, *apart),
    }  # fmt: skip
    return base.model_copy(update=made)


def test_says_the_verdict_and_why_for_every_goal() -> None:
    text = rendered()
    parts = Report.of(sample.assessment(), context=sample.context()).goals
    sentences = {part.goal: part.sentence for part in parts}
    assert text.startswith("## Mail filter of the accounts department: not met\n")
    for goal, rating in sample.goals().items():
        label = VERDICT_LABELS[rating.verdict]
        title = str(goal).capitalize()
        why = escape(sentences[goal])
        assert f"\n- **{title}, {label.word}:** {why}\n" in text
        assert f"| {title} | {label.symbol} {label.word} |" in text


def test_says_what_helps_first_and_how_to_repeat_it() -> None:
    text = rendered()
    integrity = text[text.index("- **Integrity") : text.index("- **Availability")]
    assert "Do first: Adversarial training: added words should no longer" in integrity
    assert "`goalkeeper run mail.yaml --only integrity --attack good-words" in integrity
    confidentiality = text[text.index("- **Confidentiality") : text.index("- **Privacy")]
    assert len(confidentiality.splitlines()) == 1, "a goal that is met needs no remedy"


def test_numbers_carry_interval_baseline_and_n() -> None:
    assert re.search(
        r"good-words: Success rate \d+ % \(\d+ to \d+ %\), baseline .*n = 400", rendered()
    )


def test_commands_name_the_file_as_it_stands_in_the_repository() -> None:
    source = ApplicationFile(path="models/app.yaml")
    context = Context(source=source, commands={"run": "goalkeeper run /home/me/models/app.yaml"})
    text = MarkdownRenderer().render(sample.assessment(), context)
    assert "`goalkeeper run models/app.yaml --only" in text
    assert "/home/me" not in text


@pytest.mark.parametrize("made", [sample.assessment, worst, told])
def test_it_fits_into_a_comment(made: Any) -> None:
    text = rendered(made())
    assert len(text.splitlines()) < 60
    assert len(text) < 65_536, "the most that a comment on GitHub may have"


def test_long_lists_say_how_much_more_there_is() -> None:
    text = rendered(worst())
    listed = text[text.index("**Not tested, or not decided:**") :]
    more = re.findall(r"^- and (\d+) more$", listed, re.MULTILINE)
    assert [int(number) > 10 for number in more] == [True, True]


@pytest.mark.parametrize("made", [sample.assessment, worst])
def test_nothing_of_an_assessment_becomes_markup_or_a_mention(made: Any) -> None:
    text = rendered(made())
    children = list(inlines(text))
    kinds = {child.type for child in children}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "code_inline"} | {
        "softbreak"
    }
    shown = "".join(c.content for c in children if c.type != "code_inline")
    assert not re.search(r"@\w|#\d|GH-\d", shown, re.IGNORECASE)
    assert "<script" not in PARSER.render(text)


def test_people_are_numbers_unless_their_names_are_asked_for() -> None:
    hidden = MarkdownRenderer().render(told(), Context())
    assert not any(name in hidden for name in ("alice smith", "bob"))


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        PINGS,
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
        "www.example.org and www.",
    ],
)
def test_a_text_stays_text(text: str) -> None:
    """A parser of CommonMark, with tables, reads one paragraph of plain text: the text itself."""
    for line in (escape(text), f"- {escape(text)}"):
        tokens = [t for t in PARSER.parse(line) if t.type == "inline"]
        (inline,) = tokens
        assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
        shown = "".join(c.content for c in inline.children or ())
        plain = " ".join(text.split())
        assert shown.replace("\u200b", "") == plain.replace("\u200b", "")
        assert not re.search(r"@\w|#\w|GH-\d", shown)
        assert "www.e" not in line, "GitHub links such a name unless the dot is escaped"


@pytest.mark.parametrize("text", ["a `b` c", "``", "run 'my file' --x", "`start"])
def test_a_command_stayscode(text: str) -> None:
    (child,) = inlines(code(text))
    assert (child.type, child.content.strip()) == ("code_inline", text)


def test_tables_keep_their_columns() -> None:
    assessment = sample.assessment()
    first = assessment.evidence[1].model_copy(update={"attack": "a | b \\| c"})
    assessment = assessment.model_copy(update={"evidence": (first,)})
    html = PARSER.render(rendered(assessment))
    (table,) = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    assert {len(re.findall(r"<t[dh]", row)) for row in rows} == {5}
    assert "a | b \\| c: " in table


def test_it_is_found_by_its_name() -> None:
    assert renderers()["markdown"] is MarkdownRenderer
