"""People stand in a report under numbers, unless their names are asked for."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from goalkeeper.core.assessment import Assessment, Baseline
from goalkeeper.core.evidence import Measurement
from goalkeeper.report import Context, Report, render_html, render_terminal
from tests.report import results, sample

NAMES = ("alice", "bob", "alice smith", "Zoë", "o'hara (sales)")


def measured(group: str) -> Measurement:
    return Measurement(
        metric="success_rate", value=0.5, low=0.4, high=0.6, baseline=0, n=50, group=group,
        note=f"the worst is {group}, not personal",
    )  # fmt: skip


def told(column: str = "person") -> Assessment:
    """Return an assessment that names people as evasion and as membership do, and in slices."""
    base = results.good_words()
    head = base.result.measurements[0]
    groups = [measured(f"{column}: {n}") for n in NAMES] + [measured("topic alice")]
    found = base.result.model_copy(
        update={
            "measurements": (head, *groups),
            "summary": f"Most of it falls on {column} alice smith and {column} bob.",
        }
    )
    baseline = tuple(
        Baseline(slice=f"{column} {n}", metric="accuracy", value=0.9, low=0.8, high=1, n=50)
        for n in reversed(NAMES)
    )
    app = sample.application().model_copy(update={"baseline": baseline})
    one = base.model_copy(update={"result": found})
    return sample.assessment().model_copy(update={"evidence": (one,), "application": app})


def printed(assessment: Assessment, context: Context) -> str:
    stream = io.StringIO()
    render_terminal(assessment, Console(file=stream, width=200), context)
    return stream.getvalue()


def texts(context: Context, column: str = "person") -> tuple[str, str]:
    return render_html(told(column), context), printed(told(column), context)


@pytest.mark.parametrize("column", ["person", "patient id"])
def test_names_are_replaced_by_numbers_in_every_form(column: str) -> None:
    for text in texts(Context(person=column), column):
        for name in ("bob", "smith", "Zo", "hara (sales"):
            assert name not in text
        assert "alice" not in text.replace("topic alice", "")
        assert f"People are shown as numbers ({column} 1" in " ".join(text.split())


def test_names_stand_there_on_request_and_a_line_says_so() -> None:
    html, printed_text = texts(Context(show_private=True))
    assert "person alice smith" in html
    for text in (html, printed_text):
        assert "This report names people" in text
        assert "shown as numbers" not in text


def numbers(assessment: Assessment) -> dict[str, str]:
    """Map every slice of the baseline to what is shown for it."""
    shown = Report.of(assessment, context=Context()).baseline.rows
    slices = [b.slice for b in assessment.application.baseline]
    return dict(zip(slices, [row[0] for row in shown], strict=True))


def test_the_same_person_has_the_same_number_everywhere() -> None:
    by_slice = numbers(told())
    assert sorted(by_slice.values()) == [f"person {i}" for i in range(1, 6)]
    report = Report.of(told(), context=Context())
    assert [row[0] for row in report.findings[0].groups.rows] == [
        *(by_slice[f"person {n}"] for n in NAMES),
        "topic alice",
    ]
    notes = [row[-1] for row in report.findings[0].groups.rows]
    assert notes[0] == f"the worst is {by_slice['person alice']}, not personal"
    assert report.findings[0].summary == (
        f"Most of it falls on {by_slice['person alice smith']} and {by_slice['person bob']}."
    )


def test_numbers_do_not_depend_on_the_order_of_the_assessment() -> None:
    app = told().application
    turned = app.model_copy(update={"baseline": tuple(reversed(app.baseline))})
    assert numbers(told().model_copy(update={"application": turned})) == numbers(told())


def test_commands_and_attackers_keep_their_words() -> None:
    one = told().evidence[0].model_copy(update={"attacker": "person bob"})
    made = told().model_copy(update={"evidence": (one,)})
    (card,) = Report.of(made, context=Context()).findings
    assert "--attacker 'person bob'" in card.command


@pytest.mark.parametrize("update", [{}, {"show_private": True}])
def test_without_people_nothing_is_said_about_them(update: dict[str, Any]) -> None:
    base = sample.assessment().model_copy(update={"evidence": (results.good_words(),)})
    assert Report.of(base, context=Context(**update)).people == ""
