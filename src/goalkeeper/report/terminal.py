"""The report on a terminal: the verdicts first, then what supports them."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.report import format as fmt
from goalkeeper.report.finding import Finding
from goalkeeper.report.goalpart import OUTCOME_WORDS, GoalPart, OutcomeCount
from goalkeeper.report.language import _, ngettext, speaking, within_sentence
from goalkeeper.report.leading import (
    describe_failure,
    explain_numbers,
    first_step,
    label_first_step,
)
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context
from goalkeeper.report.sections import NO_ATTACK, AdvicePart
from goalkeeper.report.words import APART, SCOPE, TRY_DEFENCES, label_of, status_name

STYLES = {
    Verdict.MET: "bold green",
    Verdict.NOT_MET: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.NOT_ASSESSED: "dim",
}
TIE = "\ue000"  # stands for a space at which no line may break; rich breaks at every real one
MOST_LINES = 5
MOST_NAMES = 4


def render_terminal(
    assessment: Assessment,
    console: Console,
    context: Context | None = None,
    *,
    brief: bool = False,
) -> None:
    """Print the report of an assessment; `brief`: what is wrong, how bad, and what to do first."""
    context = context or Context()
    plain = not console.encoding.lower().startswith("utf")
    with speaking(context.language):
        report = Report.of(assessment, context=context)
        console.print(_Tied(terminal(report, plain=plain, brief=brief)))


def terminal(report: Report, *, plain: bool = False, brief: bool = False) -> RenderableType:
    """Lay a report out for a terminal: about 60 lines, brief ones 30; lines wrap, none is cut."""
    head = Text(f"{report.title}: ", style="bold")
    head.append_text(_verdict(report.verdict, plain=plain))
    parts: list[RenderableType] = [head, Text(report.summary)]
    parts += [Text(f"! {warning}", style="yellow") for warning in report.warnings]
    for goal in report.goals:
        parts += [Text(), *_goal(goal, report, plain=plain, brief=brief)]
    parts.append(Text())
    parts += [Text(text) for text in (report.counts, report.fit) if text]
    if report.goals:
        parts.append(Text(explain_numbers(report.goals), style="dim"))
    if brief:
        parts += [Text(line) for line in _failed(report)]
        return Group(*parts)
    parts += list(_others(report))
    parts += list(_apart(report))
    parts += list(_advice(report))
    parts += list(_open(report))
    parts += [Text(), *([Text(report.people, style="dim")] if report.people else [])]
    parts.append(Text(_(SCOPE), style="dim"))
    return Group(*parts)


class _Tied:
    """Breaks no line between a number and its unit, or the name of what it counts."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render with marks in place of these spaces, and put the spaces back."""
        _tie(self._part)
        for text, style, control in console.render(self._part, options):
            yield Segment(text.replace(TIE, " "), style, control)


def _tie(part: RenderableType) -> None:
    if isinstance(part, Text):
        part.plain = fmt.tie(part.plain, TIE)
    elif isinstance(part, Group):
        for each in part.renderables:
            _tie(each)
    elif isinstance(part, Padding):
        _tie(part.renderable)


def _verdict(verdict: Verdict, *, plain: bool) -> Text:
    label = label_of(verdict)
    return Text(
        f"{label.ascii_symbol if plain else label.symbol} {label.word}", style=STYLES[verdict]
    )


def _heading(text: str) -> Iterator[RenderableType]:
    yield Text()
    yield Rule(Text(text, style="bold"), align="left", style="dim", characters="-")


def _goal(goal: GoalPart, report: Report, *, plain: bool, brief: bool) -> Iterator[RenderableType]:
    """Show the verdict on a goal in a sentence, what to do first, and what supports it."""
    head = Text(f"{goal.title}: ", style="bold")
    head.append_text(_verdict(goal.verdict, plain=plain))
    risk = goal.risk.partition(":")[0]
    yield head.append(
        _(" (need {need}, risk {risk})").format(need=goal.need, risk=risk), style="dim"
    )
    lines: list[RenderableType] = [Text(goal.sentence)]
    todo = first_step(goal, report.advice)
    lines += [Text(f"{label_first_step(goal)}: {todo}")] if todo else []
    if not brief:
        lines += _decider(goal.decider) if goal.decider else [Text(_why(goal), style="dim")]
    if goal.outcomes and not brief:
        lines.append(Text(_outcomes(goal), style="dim"))
    yield _indented(*lines)


def _why(goal: GoalPart) -> str:
    """Return the reason without the verdict, which is shown right above it."""
    why = goal.reason or goal.label.meaning
    return why.removeprefix(f"{fmt.sentence_case(goal.label.word)}: ")


def _decider(finding: Finding) -> Iterator[RenderableType]:
    measured = (
        f"{within_sentence(finding.metric)} {finding.headline}"
        if finding.headline
        else _("no number")
    )
    measured += f" {finding.within}" if finding.within else ""
    costs = ", ".join(f"{c.attacker} {c.points}" for c in finding.attackers)
    rest = _(": {measured}; attack potential: {costs}").format(measured=measured, costs=costs)
    yield Text.assemble((finding.title, "bold"), rest)
    if finding.warning:
        yield Text(f"! {finding.status}: {finding.warning}", style="yellow")


def _outcomes(goal: GoalPart) -> str:
    """Count the planned attack runs by outcome; name the attacks with the worst outcome."""
    worst, *others = goal.outcomes
    counts = [_counted(worst) + f" ({_names(worst.attacks)})"]
    counts += map(_counted, others)
    counts += [f"{fmt.count(n)} {what}" for n, what in goal.rest]
    return ngettext(
        "{n} attack run planned: {counts}.", "{n} attack runs planned: {counts}.", goal.runs
    ).format(n=fmt.count(goal.runs), counts=", ".join(counts))


def _counted(outcome: OutcomeCount) -> str:
    return f"{fmt.count(outcome.runs)} {_(OUTCOME_WORDS[outcome.outcome])}"


def _others(report: Report) -> Iterator[RenderableType]:
    """Name the attacks on goals that were not rated, and how to repeat the deciding attack run."""
    if report.others:
        attacks = tuple(dict.fromkeys(f.attack for f in report.others))
        yield Text()
        yield Text(_("Attacks on goals that were not rated: {names}").format(names=_names(attacks)))
    deciders = [g.decider for g in report.goals if g.decider]
    command = next((f.command for f in [*deciders, *report.findings]), "")
    if command:
        yield Text()
        yield Text(
            _("To repeat the first deciding attack run: {command}").format(command=command),
            style="dim",
        )


def _apart(report: Report) -> Iterator[RenderableType]:
    """List what was run but decides nothing: a line for each reason, a few of each kind."""
    if not report.apart:
        return
    yield from _heading(_(APART))
    for table in report.apart:
        runs: dict[str, dict[str, None]] = {}
        for attack, *_rest, why in table.rows:
            runs.setdefault(why, {})[attack] = None
        yield Text(f"{table.caption}:")
        for why, attacks in list(runs.items())[:MOST_LINES]:
            yield Text(f"- {_names(tuple(attacks))}: {why}")
        if len(runs) > MOST_LINES:
            yield Text(
                _("- {n} more reasons are in the HTML report").format(n=len(runs) - MOST_LINES),
                "dim",
            )


def _names(names: tuple[str, ...]) -> str:
    """Name the first few, and count the rest."""
    rest = len(names) - MOST_NAMES
    if rest <= 0:
        return ", ".join(names)
    return _("{names}, and {n} more").format(names=", ".join(names[:MOST_NAMES]), n=rest)


def _indented(*lines: RenderableType) -> RenderableType:
    return Padding(Group(*lines), (0, 0, 0, 2), expand=False)


def _failed(report: Report) -> list[str]:
    """Write a line for each attack that failed to run."""
    return [f"- {describe_failure(failure)}" for failure in report.failures]


def _open(report: Report) -> Iterator[RenderableType]:
    """List what is open in a few lines; failures are never left out."""
    lines = _open_lines(report)
    if not (lines or report.failures):
        return
    yield from _heading(_("What was not tested, and what would settle it"))
    yield from map(Text, _failed(report))
    rest = len(lines) - MOST_LINES
    shown = lines if rest <= 0 else [*lines[: MOST_LINES - 1], lines[-1]]
    yield from (Text(f"- {line}") for line in shown)
    if report.not_run or rest > 0:
        more = ngettext(
            "The HTML report lists {n} more line, and every attack, attacker and reason.",
            "The HTML report lists {n} more lines, and every attack, attacker and reason.",
            rest,
        ).format(n=rest)
        every = _("The HTML report lists every attack, attacker and reason.")
        yield Text(more if rest > 0 else every, style="dim")


def _open_lines(report: Report) -> list[str]:
    """Write a line for each reason: the most frequent one last, what opens nothing before it."""
    lines: list[str] = []
    idle: list[str] = []
    for why, status, runs, what in report.not_run.rows:
        moot = status == status_name(Status.NOT_APPLICABLE)
        if status != _(NO_ATTACK):  # these are among the open reasons
            names = _names(tuple(what.split("; ")))
            line = ngettext(
                "{n} attack run {status}: {reason}: {names}",
                "{n} attack runs {status}: {reason}: {names}",
                1 if runs == "1" else 2,
            ).format(n=runs, status=status, reason=why, names=names)
            (idle if moot else lines).append(line)
    lines += report.open
    return [*lines[:-1], *idle, *lines[-1:]]


def _advice(report: Report) -> Iterator[RenderableType]:
    """List every defence once; lines wrap, so that each can be read to its end."""
    if not report.advice:
        return
    yield from _heading(_("Recommended defences"))
    for defence in dict.fromkeys(a.defence for a in report.advice):
        same = [a for a in report.advice if a.defence == defence]
        line = _("- {defence}, for {goals} ({state}): {reason}").format(
            defence=defence, goals=same[0].goals, state=_state(same), reason=same[0].reason
        )
        yield Text(line)
    if report.harden:
        yield Text()
        yield Text(f"{_(TRY_DEFENCES)} {report.harden}")


def _state(same: list[AdvicePart]) -> str:
    if any(a.verified for a in same):
        return _("verified")
    return _("goalkeeper can try it") if any(a.command for a in same) else _("not verified yet")
