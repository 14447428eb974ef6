"""Every measurement as a row of CSV, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Evidence, Measurement
from goalkeeper.report import format as fmt
from goalkeeper.report.deciding import determine_outcome
from goalkeeper.report.parts import Context
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.untrusted import clean_assessment, clean_context

CONFIDENCE = 0.95  # of every interval that goalkeeper states
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # full-width signs count as these

HEAD = (
    "goal", "verdict", "level", "variant", "attack", "task", "attackers", "status", "outcome",
    "decides", "metric", "group", "value", "low", "high", "confidence", "baseline", "n", "rated",
    "budget", "budget_value", "queries", "models", "seconds", "attack_potential", "standing",
    "reason", "evidence",
)  # fmt: skip

Cell = str | float | int | None


class CsvRenderer(Renderer):
    """Comma-separated values (RFC 4180): one row for each goal and measurement.

    What has no measurement, because it was not run, has one row with its status and reason. Cells
    that a spreadsheet could take for a formula begin with an apostrophe.
    """

    suffix: ClassVar[str] = ".csv"
    media_type: ClassVar[str] = "text/csv"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the table, with its head."""
        assessment, _ = clean_assessment(assessment, clean_context(context))
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow(HEAD)
        for row in _rows(assessment):
            writer.writerow([_cell(value) for value in row])
        return buffer.getvalue()


def _rows(assessment: Assessment) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows; attackers who share an attack run share its rows."""
    for group in _attack_runs(assessment):
        for goal in group[0].goals:
            rating = assessment.goals.get(goal)
            outcome = determine_outcome(group, rating) if rating and group[0].rated else ""
            decides = bool(rating and {e.id for e in group} & set(rating.because))
            about = (
                str(goal),
                str(rating.verdict) if rating else "not_assessed",
                str(group[0].level or group[0].aspect or ""),
                group[0].variant,
                group[0].attack,
                group[0].task,
                ", ".join(e.attacker for e in group),
                str(group[0].status),
                str(outcome),
                "yes" if decides else "no",
            )
            for i, measured in enumerate(group[0].result.measurements or (None,)):
                yield (*about, *_measured(measured, first=i == 0), *_spent(group))


def _attack_runs(assessment: Assessment) -> Iterator[Sequence[Evidence]]:
    found: dict[tuple[object, ...], list[Evidence]] = {}
    for e in assessment.evidence:
        found.setdefault((e.unit or e.id, e.attack, e.task, e.goals), []).append(e)
    yield from found.values()


def _measured(measured: Measurement | None, *, first: bool) -> tuple[Cell, ...]:
    if measured is None:
        return ("", "", None, None, None, None, None, None, "no")
    return (
        measured.metric,
        measured.group,
        measured.value,
        measured.low,
        measured.high,
        CONFIDENCE,
        measured.baseline,
        measured.n,
        "yes" if first else "no",
    )


def _spent(group: Sequence[Evidence]) -> tuple[Cell, ...]:
    first = group[0]
    result, made = first.result, bool(first.unit)
    curve = result.curve
    points = [e.rated.attack_potential.points for e in group if e.rated]
    return (
        fmt.budget_name(curve.budget, curve.unit) if curve else "",
        result.trials[-1].budget if result.trials else None,
        result.cost.queries if made else None,
        result.cost.models if made else None,
        result.cost.seconds if made else None,
        min(points, default=None),
        str(first.standing.kind),
        result.reason or first.standing.reason,
        ", ".join(e.id for e in group),
    )


def _cell(value: Cell) -> Cell:
    """Take away from a text what makes it a formula; numbers stay numbers."""
    if isinstance(value, str):
        start = unicodedata.normalize("NFKC", value.lstrip()[:1])
        return f"'{value}" if start.startswith(FORMULA) or value.startswith(FORMULA) else value
    return "" if value is None else value
