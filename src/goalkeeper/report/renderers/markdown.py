"""The report as Markdown, for a pull request, a wiki or an issue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.finding import Finding
from goalkeeper.report.gfm import escape as _escape
from goalkeeper.report.gfm import items as _items
from goalkeeper.report.gfm import table_lines as _table
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context, Table
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.words import APART, SCOPE


class MarkdownRenderer(Renderer):
    """The verdicts, the attack runs that decided them, and what was not tested.

    GitHub Flavored Markdown. Texts of the assessment are escaped: none becomes a link, an image
    or HTML. Examples of attacks are left out, private or not; the page for a browser has them.
    """

    suffix: ClassVar[str] = ".md"
    media_type: ClassVar[str] = "text/markdown"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the text."""
        return "\n\n".join(_blocks(Report.of(assessment, context=context))) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    yield f"# {_escape(report.title)}: {report.label.word}"
    yield from filter(
        None, map(_escape, (report.description, report.summary, report.counts, report.fit))
    )
    yield from (f"> **Warning:** {_escape(warning)}" for warning in report.warnings)
    yield from (f"> **Caveat:** {_escape(caveat)}" for caveat in report.caveats)
    yield from _table(_overview(report))
    for goal in report.goals:
        yield from _goal(goal)
    yield from _apart(report)
    yield from _not_tested(report)
    yield "---"
    yield from filter(None, (_escape(report.people), _escape(SCOPE), _escape(report.made)))


def _overview(report: Report) -> Table:
    rows = tuple((g.title, g.label.word, g.need, g.risk, g.exposure) for g in report.goals)
    return Table("Verdicts", ("Goal", "Verdict", "Need", "Risk", "Exposure"), rows)


def _goal(goal: GoalPart) -> Iterator[str]:
    yield f"## {goal.title}: {goal.label.word}"
    yield _escape(goal.reason or goal.label.meaning)
    if goal.outcomes:
        yield _escape(goal.counted)
    for finding in goal.cards:
        yield from _finding(finding)
    if goal.settle:
        yield "What would settle it:"
        yield _items(goal.settle)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"### {_escape(finding.title)}: {finding.outcome}"
    if finding.warning:
        yield f"> **{_escape(finding.status)}:** {_escape(finding.warning)}"
    if finding.headline:
        within = f" {_escape(finding.within)}" if finding.within else ""
        yield f"{_escape(finding.metric)}: **{_escape(str(finding.headline))}**{within}"
    if finding.summary:
        yield _escape(finding.summary)
    yield _items(
        f"{c.attacker} ({c.box} box): exposure {c.exposure}, attack potential {c.points}"
        for c in finding.attackers
    )


def _apart(report: Report) -> Iterator[str]:
    if report.apart:
        yield f"## {APART}"
    for table in report.apart:
        yield f"### {table.caption}"
        yield from _table(table)


def _not_tested(report: Report) -> Iterator[str]:
    tables = [t for t in (report.pending, report.not_run, report.skipped) if t]
    if not (tables or report.failures):
        return
    yield "## What was not tested"
    if report.failures:
        yield _items(
            f"{f.title} by {f.attacker} failed to run: {f.reason}" for f in report.failures
        )
    for table in tables:
        yield f"### {table.caption}"
        yield from _table(table)
