"""Assessments and plans as they print at a prompt, and as notebooks show them: one short table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from goalkeeper.core.assessment import Assessment, GoalRating, PlanRow, Verdict
from goalkeeper.report import format as fmt
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.model import Report
from goalkeeper.report.palette import LIGHT, TONES
from goalkeeper.report.parts import Context, Table
from goalkeeper.report.words import SCOPE

MOST_LINES = 5  # of what was not tested; the report has them all
MOST_ROWS = 40  # attacks of a plan in text; a notebook shows them all
PLANNED = "planned"
NOTHING_YET = "nothing yet"
TABLE_STYLE = "border-collapse:collapse;margin:.5em 0"
CELL_STYLE = f"text-align:left;padding:.2em .8em .2em 0;border-bottom:1px solid {LIGHT['line']}"


def summarise(assessment: Assessment) -> str:
    """Return verdicts, deciding attacks, the fit of the model, and what was not tested, as text."""
    report = Report.of(assessment, context=Context())
    lines = [f"{report.title}: {report.label.word}", *filter(None, (report.counts, report.fit))]
    lines += [f"! {warning}" for warning in report.warnings]
    lines += ["", *_text(_verdicts(report, assessment))]
    unsettled = _open(report)
    if unsettled:
        lines += ["", "Not tested, or not decided:", *(f"- {line}" for line in unsettled)]
    return "\n".join([*lines, "", SCOPE])


def summarise_html(assessment: Assessment) -> str:
    """Return the same as a self-contained fragment of HTML: no script, no address."""
    report = Report.of(assessment, context=Context())
    tone = LIGHT[TONES[report.verdict]]
    parts = [
        Markup('<p><b>{}</b>: <b style="color:{}">{} {}</b></p>').format(
            report.title, tone, report.label.symbol, report.label.word
        ),
        *(
            Markup("<p>{}</p>").format(text)
            for text in (report.counts, report.fit, *report.warnings)
            if text
        ),
        _html(
            _verdicts(report, assessment),
            {g.label.word: LIGHT[TONES[g.verdict]] for g in report.goals},
        ),
    ]
    unsettled = _open(report)
    if unsettled:
        items = Markup("").join(Markup("<li>{}</li>").format(line) for line in unsettled)
        parts.append(Markup("<p>Not tested, or not decided:</p><ul>{}</ul>").format(items))
    parts.append(Markup("<p><small>{}</small></p>").format(SCOPE))
    return str(Markup("<div>{}</div>").format(Markup("").join(parts)))


def summarise_plan(rows: Sequence[PlanRow], effort: float) -> str:
    """Return which attacks are planned for which attackers, and why others are not, as text."""
    table = _planned(rows)
    lines = [_counts(rows, effort), "", *_text(_first(table, MOST_ROWS))]
    if len(table.rows) > MOST_ROWS:
        lines.append(f"... and {len(table.rows) - MOST_ROWS} more")
    skipped = _skipped(rows)
    if skipped:
        shown = [f"- {name}: {why}" for name, _, why in skipped.rows[:MOST_LINES]]
        rest = len(skipped.rows) - MOST_LINES
        more = [f"- and {rest} more"] if rest > 0 else []
        lines += ["", "Skipped:", *shown, *more]
    return "\n".join(lines)


def summarise_plan_html(rows: Sequence[PlanRow], effort: float) -> str:
    """Return the same as a self-contained fragment of HTML, with every row."""
    head = Markup("<p>{}</p>").format(_counts(rows, effort))
    body = Markup("").join(_html(table) for table in (_planned(rows), _skipped(rows)) if table)
    return str(Markup("<div>{}{}</div>").format(head, body))


# ---- assessments ---------------------------------------------------------------------------------


def _colours(report: Report) -> dict[str, str]:
    return {goal.label.word: LIGHT[TONES[goal.verdict]] for goal in report.goals}


def _verdicts(report: Report, assessment: Assessment) -> Table:
    head = ("Goal", "Verdict", "Need", "Deciding attack", "Measured", "Open attacks")
    return Table(
        "Verdicts",
        head,
        tuple(_verdict(goal, assessment.goals[goal.goal]) for goal in report.goals),
    )


def _verdict(goal: GoalPart, rating: GoalRating) -> tuple[str, ...]:
    decider = goal.decider
    rated = goal.verdict is not Verdict.NOT_ASSESSED
    attack = measured = ""
    if decider is not None and rated:
        # The cheapest attack may be one that was not run: it must not be named beside what another
        # one measured.
        is_cheapest = goal.cheapest is not None and goal.cheapest.anchor == decider.anchor
        names = ", ".join(who.attacker for who in decider.attackers)
        attack = (
            goal.cheapest.text if is_cheapest and goal.cheapest else f"{decider.attack} by {names}"
        )
        measured = f"{decider.metric}: {decider.headline}" if decider.headline else decider.status
        measured += f" {decider.within}" if decider.within else ""
    if rated and not measured:  # the reason of an open goal names every attack that is open
        is_open = goal.verdict is Verdict.INCONCLUSIVE and rating.not_tested
        measured = NOTHING_YET if is_open else goal.reason or goal.label.meaning
    left = len({gap.variant for gap in rating.not_tested})
    return goal.title, goal.label.word, goal.need, attack, measured, f"{left:,}" if left else ""


def _open(report: Report) -> list[str]:
    """Say what is open in a few lines; failures come first."""
    lines = [f"{f.title} by {f.attacker} failed to run: {f.reason}" for f in report.failures]
    lines += report.open
    rest = len(lines) - MOST_LINES
    return lines[:MOST_LINES] + ([f"and {rest} more: see the report"] if rest > 0 else [])


# ---- plans ---------------------------------------------------------------------------------------


def _counts(rows: Sequence[PlanRow], effort: float) -> str:
    planned = [row for row in rows if row.status == PLANNED]
    units = {row.unit: row.estimate for row in planned}
    queries = fmt.count(sum(round(e.queries) for e in units.values()))
    models = sum(e.models for e in units.values())
    return (
        f"{_count(len(units), 'attack run')} planned for "
        f"{_count(len({r.attacker for r in planned}), 'attacker')} (effort {effort:g}): about "
        f"{queries} queries, and {_count(models, 'model')} to train; "
        f"{_count(len(rows) - len(planned), 'combination')} skipped"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _planned(rows: Sequence[PlanRow]) -> Table:
    """List attacks with a column for each attacker."""
    attackers = tuple(dict.fromkeys(row.attacker for row in rows))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    estimates: dict[tuple[str, str], str] = {}
    for row in rows:
        if not row.attack:
            continue
        key = (row.attack, row.task)
        here = cells.setdefault(key, {})
        if here.get(row.attacker) != PLANNED:
            here[row.attacker] = row.status
        if row.status == PLANNED:
            estimates[key] = fmt.count(round(row.estimate.queries))
    made = tuple(
        (attack, task, *(here.get(who, "") for who in attackers), estimates[attack, task])
        for (attack, task), here in cells.items()
        if (attack, task) in estimates
    )
    return Table("Planned", ("Attack", "Task", *attackers, "Queries"), made)


def _skipped(rows: Sequence[PlanRow]) -> Table:
    """List what nobody runs, by reason: what some attackers lack the power for is in the table."""
    planned = {(row.attack, row.task) for row in rows if row.status == PLANNED}
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if (row.attack, row.task) not in planned:
            key = (row.attack or row.variant, "; ".join(row.reasons))
            found.setdefault(key, {})[row.attacker] = None
    # What more than a stronger attacker would be needed for comes first.
    order = sorted(found.items(), key=lambda item: item[0][1].startswith("needs "))
    made = tuple((name, ", ".join(who), why) for (name, why), who in order)
    return Table("Skipped", ("Attack or variant", "Attackers", "Why"), made)


# ---- tables --------------------------------------------------------------------------------------


def _first(table: Table, rows: int) -> Table:
    return Table(table.caption, table.head, table.rows[:rows])


def _text(table: Table) -> list[str]:
    """Lay a table out in columns; empty ones are left out."""
    columns = [c for c in zip(table.head, *table.rows, strict=True) if any(c[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines: Iterable[tuple[str, ...]] = zip(*columns, strict=True)
    made = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return [*made[:1], "  ".join("-" * width for width in widths), *made[1:]] if made else []


def _html(table: Table, tones: dict[str, str] | None = None) -> Markup:
    def cell(text: str, tag: str) -> Markup:
        colour = f";color:{tones[text]};font-weight:bold" if tones and text in tones else ""
        return Markup('<{0} style="{1}">{2}</{0}>').format(tag, CELL_STYLE + colour, text)

    rows = [[cell(text, "th") for text in table.head]]
    rows += [[cell(text, "td") for text in row] for row in table.rows]
    lines = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(cells)) for cells in rows)
    return Markup('<table style="{}"><caption>{}</caption>{}</table>').format(
        TABLE_STYLE, escape(table.caption), lines
    )
