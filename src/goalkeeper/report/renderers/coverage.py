"""The criteria of public frameworks and the evidence of each, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.coverage import Coverage
from goalkeeper.report.gfm import escape, items, table_lines
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context, Table
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.words import COVERAGE, COVERAGE_INTRO, OUTSIDE


class CoverageRenderer(Renderer):
    """Every framework of the taxonomy, criterion by criterion.

    `goalkeeper coverage` writes the same for one framework, and as CSV or JSON.
    """

    suffix: ClassVar[str] = ".md"
    media_type: ClassVar[str] = "text/markdown"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the text."""
        return "\n\n".join(_blocks(Report.of(assessment, context=context))) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    yield f"# {escape(report.title)}: {COVERAGE[0].lower()}{COVERAGE[1:]}"
    yield from filter(None, (escape(report.summary), escape(report.made)))
    yield from (f"> **Warning:** {escape(warning)}" for warning in report.warnings)
    rows = tuple((g.title, g.label.word, g.need, g.reason) for g in report.goals)
    yield from table_lines(Table("Verdicts", ("Goal", "Verdict", "Need", "Reason"), rows))
    yield escape(COVERAGE_INTRO)
    for covered in report.coverage:
        yield from _framework(covered)


def _framework(covered: Coverage) -> Iterator[str]:
    yield f"## {escape(covered.framework.name)}"
    yield f"{escape(covered.counted)} {escape(covered.mapping)}"
    yield from table_lines(covered.table)
    if covered.outside:
        yield f"### {OUTSIDE}"
        yield items(covered.outside)
