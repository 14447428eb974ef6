"""The report on a terminal: the verdicts first, then what they rest on."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.report.finding import Finding
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context
from goalkeeper.report.words import MARKS, SCOPE

STYLES = {
    Verdict.MET: "bold green",
    Verdict.NOT_MET: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.NOT_ASSESSED: "dim",
}
NARROW = 130
MOST_LINES = 8


def render_terminal(
    assessment: Assessment, console: Console, context: Context | None = None
) -> None:
    """Print the report of an assessment."""
    report = Report.of(assessment, context=context or Context())
    plain = not console.encoding.lower().startswith("utf")
    console.print(terminal(report, narrow=console.width < NARROW, plain=plain))


def terminal(report: Report, *, narrow: bool = False, plain: bool = False) -> RenderableType:
    """Lay a report out for a terminal; `narrow` stacks what else stands side by side."""
    head = Text(f"{report.title}: ", style="bold")
    head.append_text(_verdict(report.verdict, plain=plain))
    parts: list[RenderableType] = [head, Text(report.summary)]
    parts += [Text(f"! {warning}", style="yellow") for warning in report.warnings]
    parts.append(Text())
    if narrow:
        parts += [line for goal in report.goals for line in _stacked(goal, plain=plain)]
    else:
        parts.append(_verdicts(report, plain=plain))
    parts += list(_findings(report, narrow=narrow))
    parts += list(_open(report))
    parts += list(_advice(report))
    parts += [Text(), *([Text(report.people, style="dim")] if report.people else [])]
    parts.append(Text(SCOPE, style="dim"))
    return Group(*parts)


def _verdict(verdict: Verdict, *, plain: bool) -> Text:
    mark = MARKS[verdict]
    return Text(f"{mark.plain if plain else mark.symbol} {mark.word}", style=STYLES[verdict])


def _heading(text: str) -> Iterator[RenderableType]:
    yield Text()
    yield Rule(Text(text, style="bold"), align="left", style="dim", characters="-")


def _why(goal: GoalPart) -> str:
    why = goal.reason or goal.mark.meaning
    if goal.cheapest is None or goal.cheapest.text in why:
        return why
    return f"{why} Cheapest attack: {goal.cheapest.text}."


def _verdicts(report: Report, *, plain: bool) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 1, 0))
    for name in ("Goal", "Need", "Verdict"):
        grid.add_column(name, no_wrap=True)
    for name in ("Risk", "Exposure"):
        grid.add_column(name, max_width=18, overflow="fold")
    grid.add_column("Why", overflow="fold")
    for goal in report.goals:
        grid.add_row(
            Text(goal.title, style="bold"),
            Text(goal.need),
            _verdict(goal.verdict, plain=plain),
            Text(goal.risk),
            Text(goal.exposure),
            Text(_why(goal)),
        )
    return grid


def _stacked(goal: GoalPart, *, plain: bool) -> Iterator[RenderableType]:
    head = Text(f"{goal.title}: ", style="bold")
    yield head.append_text(_verdict(goal.verdict, plain=plain))
    facts = (("need", goal.need), ("risk", goal.risk), ("exposure", goal.exposure))
    lines = [Text(f"{label}: {value}", style="dim") for label, value in facts]
    yield Padding(Group(*lines, Text(_why(goal))), (0, 0, 1, 2), expand=False)


def _findings(report: Report, *, narrow: bool) -> Iterator[RenderableType]:
    if not report.findings:
        return
    yield from _heading("Findings, strongest first")
    groups = [(goal.title, goal.findings) for goal in report.goals] + [("Other", report.others)]
    for title, findings in groups:
        if not findings:
            continue
        yield Text()
        yield Text(title, style="bold")
        for finding in findings:
            yield Padding(_finding(finding), (0, 0, 0, 0 if narrow else 2), expand=False)


def _finding(finding: Finding) -> RenderableType:
    needs = "" if finding.knows == "nothing" else f", needs {finding.knows}"
    line = Text.assemble("- ", (finding.title, "bold"), f", exposure {finding.exposure}{needs}")
    lines: list[RenderableType] = [Text(finding.summary)] if finding.summary else []
    if finding.headline:
        lines.append(Text(f"{finding.metric}: {finding.headline}"))
    if finding.warning:
        lines.append(Text(f"! {finding.status}: {finding.warning}", style="yellow"))
    lines.append(_claims(finding))
    lines.append(Text(finding.command, style="dim"))
    return Group(line, Padding(Group(*lines), (0, 0, 0, 2), expand=False))


def _claims(finding: Finding) -> Grid:
    """Show what the play costs each attacker."""
    grid = Grid(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for claim in finding.claims:
        grid.add_row(Text(f"by {claim.attacker}"), Text(claim.points), Text(claim.time))
    return grid


def _open(report: Report) -> Iterator[RenderableType]:
    """Say what is open in a few lines; failures are never left out."""
    lines = [
        f"{what} by {attackers}, {status}: {why}"
        for what, attackers, _, status, why in report.unplayed.rows
    ]
    lines += report.open
    if not (lines or report.failures):
        return
    yield from _heading("What was not tested, and what would settle it")
    for failure in report.failures:
        yield Text(f"- {failure.title} by {failure.attacker} failed to run: {failure.reason}")
    rest = len(lines) - MOST_LINES
    shown = lines if rest <= 0 else [*lines[: MOST_LINES - 1], lines[-1]]
    for line in shown:
        yield Text(f"- {line}")
    if report.missing or rest > 0:
        more = f"{rest} more lines, and " if rest > 0 else ""
        yield Text(f"The HTML report lists {more}every variant, attacker and reason.", style="dim")


def _advice(report: Report) -> Iterator[RenderableType]:
    if not report.advice:
        return
    yield from _heading("What would help")
    for advice in report.advice:
        state = "verified by replay" if advice.verified else "not verified yet"
        yield Text.assemble(
            "- ", (advice.defence, "bold"), f", for {advice.goals} ({state}): {advice.reason}"
        )
