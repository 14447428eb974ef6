"""What hardening tried, as a part of a report: a sentence, and tables."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.comparing import VERDICTS, AttackChange, ComparedValue
from goalkeeper.core.assessment import Verdict
from goalkeeper.hardening.records import GoalEffect, Hardening, SideEffect, TriedDefence
from goalkeeper.report.language import N_, _
from goalkeeper.report.parts import Table, TablesPart

NOTHING = N_("Nothing was accepted: the application stays as it is.")
ACCEPTED = N_("Accepted: {defences}. {why}")
SHARE = "share"


def describe_hardening(found: Hardening) -> TablesPart:
    """Put it together: what the accepted defences do together, what each does, what was left out.

    Where nothing was accepted, what came closest is shown: the last that was assessed in full.
    """
    shown = found.combined or next((t for t in reversed(found.tried) if t.run), None)
    sentence = _(NOTHING)
    if found.combined is not None:
        sentence = _(ACCEPTED).format(defences=found.combined.defence, why=found.combined.why)
    tables = [_tried(found)]
    if shown is not None:
        tables = [_goals(shown), _attacks(shown), _costs(shown), *tables]
    return TablesPart(sentence, tuple(table for table in tables if table))


def cost_cells(cost: SideEffect) -> tuple[str, str, str, str]:
    """Write a side effect: before, after, the bounds of its change, and of how many records."""
    if cost.unit == "seconds":
        bounds = _("too few for an interval")
        if cost.low is not None and cost.high is not None:
            bounds = _("{low} s to {high} s").format(
                low=f"{cost.low:+.2g}", high=f"{cost.high:+.2g}"
            )
        return f"{cost.before:.3g} s", f"{cost.after:.3g} s", bounds, f"{cost.n:,}"
    bounds = _("{low} to {high}").format(low=f"{cost.low:+.1%}", high=f"{cost.high:+.1%}")
    return f"{cost.before:.1%}", f"{cost.after:.1%}", bounds, f"{cost.n:,}"


def _goals(one: TriedDefence) -> Table:
    head = (
        _("Goal"),
        _("Before"),
        _("After"),
        _("Cheapest successful attack before, points"),
        _("Now"),
        _("What changed"),
    )
    rows = [
        _goal_row(str(goal), effect)
        for goal, effect in one.goals.items()
        if effect.before is not Verdict.NOT_ASSESSED
    ]
    caption = _("Goals with {defence}").format(defence=one.defence)
    return Table(caption, head, tuple(rows))


def _goal_row(goal: str, effect: GoalEffect) -> tuple[str, ...]:
    verdicts = (_(VERDICTS[verdict]) for verdict in (effect.before, effect.after))
    points = _points(effect.potential_before), _points(effect.potential_after)
    return (goal, *verdicts, *points, effect.sentence)


def _attacks(one: TriedDefence) -> Table:
    head = (_("Attack"), _("Attackers"), _("Before"), _("After"), _("Difference"), "n", "p")
    rows = [_attack_row(row) for row in one.attacks if row.before and row.after and row.difference]
    caption = _("The attacks that decided, with full samples and 95 % intervals, with {defence}")
    return Table(caption.format(defence=one.defence), head, tuple(rows))


def _attack_row(row: AttackChange) -> tuple[str, ...]:
    values = (_value(v, row.unit) for v in (row.before, row.after, row.difference))
    n = f"{row.after.n:,}" if row.after else ""
    p = "" if row.p_holm is None else f"{row.p_holm:.2g}"
    return (f"{row.attack} ({row.task})", ", ".join(row.attackers), *values, n, p)


def _value(value: ComparedValue | None, unit: str) -> str:
    if value is None:
        return ""
    numbers = (value.value, value.low, value.high)
    shown = [f"{v:.1%}" if unit == SHARE else f"{v:.3g}" for v in numbers]
    return _("{value} ({low} to {high})").format(value=shown[0], low=shown[1], high=shown[2])


def _costs(one: TriedDefence) -> Table:
    head = (_("What it costs"), _("Before"), _("After"), _("Change, 95 %"), "n")
    rows = tuple((_(cost.what), *cost_cells(cost)) for cost in one.side_effects)
    return Table(_("The price of {defence}").format(defence=one.defence), head, rows)


def _tried(found: Hardening) -> Table:
    head = (_("Defence"), _("Accepted"), _("Why"))
    return Table(_("What was tried"), head, tuple(_tried_rows(found)))


def _tried_rows(found: Hardening) -> Iterator[tuple[str, ...]]:
    for one in found.tried:
        yield one.defence, _("yes") if one.accepted else _("no"), one.why
    for name, reason in found.left_out.items():
        yield name, _("not tried"), reason


def _points(value: float | None) -> str:
    if value is None:
        return _("not assessed")
    return _("none") if value == float("inf") else f"{value:g}"
