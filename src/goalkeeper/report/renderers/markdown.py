"""The verdicts as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.report import format as fmt
from goalkeeper.report.gfm import code, escape, table_lines
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.language import N_, _, speaking
from goalkeeper.report.leading import first_step, label_first_step
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context, Table
from goalkeeper.report.renderer import Renderer
from goalkeeper.report.words import APART, TRY_DEFENCES

MOST_WARNINGS = 3
MOST_OPEN = 6
MOST_APART = 4
LONGEST = 400  # characters of one text
CAN_CHANGE = (Verdict.NOT_MET, Verdict.INCONCLUSIVE)
APART_ROW = N_("{kind}: {name} by {attackers}; {why}")
READ_ON = N_(
    "Verdicts apply to this application, these attackers and the attacks that were run; met is no "
    "proof of security. The page report.html in the run folder has the evidence."
)


class MarkdownRenderer(Renderer):
    """A comment of at most 60 lines: verdicts, why, the first remedy, and what does not count.

    GitHub Flavored Markdown. Texts of the assessment are escaped: none becomes a link, an image,
    HTML or a mention of somebody. Examples of attacks are left out, private or not.
    """

    suffix: ClassVar[str] = ".md"
    media_type: ClassVar[str] = "text/markdown"

    def render(self, assessment: Assessment, context: Context) -> str:
        """Return the text."""
        with speaking(context.language):
            report = Report.of(assessment, context=context.in_repository())
            return "\n\n".join(_blocks(report)) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    yield f"## {_escape(report.title)}: {report.label.word}"
    warnings = [f"> **{_('Warning:')}** {_escape(text)}" for text in report.warnings]
    if warnings:
        yield "\n>\n".join(_first(warnings, MOST_WARNINGS, "> "))
    if report.goals:
        yield from table_lines(_overview(report))
        yield "\n".join(line for goal in report.goals for line in _goal(goal, report))
    if report.harden:
        yield f"{_escape(_(TRY_DEFENCES))} {code(report.harden)}"
    yield from _listed(_("Not tested, or not decided"), report.open, MOST_OPEN)
    yield from _listed(_(APART), list(_apart(report)), MOST_APART)
    yield from map(_escape, filter(None, (report.counts, report.people)))
    yield f"{_escape(report.made)}. {_escape(_(READ_ON))}"


def _overview(report: Report) -> Table:
    head = (
        _("Goal"),
        _("Verdict"),
        _("Need"),
        _("Risk"),
        _("Measured in the attack that decides"),
    )
    rows = tuple(
        (g.title, f"{g.label.symbol} {g.label.word}", g.need, g.risk, _measured(g)[:LONGEST])
        for g in report.goals
    )
    return Table(_("Verdicts"), head, rows)


def _measured(goal: GoalPart) -> str:
    decider = goal.decider
    if goal.verdict is Verdict.NOT_ASSESSED or decider is None or decider.headline is None:
        return _("nothing")
    if decider.warning:
        return _("{attack}: nothing that counts").format(attack=decider.attack)
    return f"{decider.attack}: {decider.metric} {decider.headline}"


def _goal(goal: GoalPart, report: Report) -> Iterator[str]:
    yield f"- **{goal.title}, {goal.label.word}:** {_escape(goal.sentence)}"
    if goal.verdict not in CAN_CHANGE:
        return
    todo = first_step(goal, report.advice)
    if todo:
        yield f"  - {label_first_step(goal)}: {_escape(todo)}"
    if goal.decider is not None:
        yield f"  - {_('Repeat it with:')} {code(goal.decider.command)}"


def _apart(report: Report) -> Iterator[str]:
    for table in report.apart:
        kind = table.caption.partition(":")[0]
        for name, attackers, *_rest, why in table.rows:
            yield _(APART_ROW).format(kind=kind, name=name, attackers=attackers, why=why)


# ---- lists and texts -----------------------------------------------------------------------------


def _listed(heading: str, texts: Sequence[str], most: int) -> Iterator[str]:
    if texts:
        yield f"**{heading}:**"
        yield "\n".join(_first([f"- {_escape(text)}" for text in texts], most, "- "))


def _first(lines: Sequence[str], most: int, start: str) -> list[str]:
    """Return the first lines, and a last one that counts the others."""
    more = len(lines) - most
    return (
        [*lines[:most], start + _("and {n} more").format(n=fmt.count(more))]
        if more > 0
        else list(lines)
    )


def _escape(text: str) -> str:
    """Escape a text, and cut a long one."""
    line = " ".join(text.split())
    return escape(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")
