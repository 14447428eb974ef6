"""What hardening tried, as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.core.assessment import Verdict
from goalkeeper.hardening.records import Hardening, SideEffect, TriedDefence
from goalkeeper.report.gfm import escape

NOTHING = "Nothing was accepted: the application stays as it is."


def render_hardening(found: Hardening) -> str:
    """Render it: what the accepted defences do together, what each does, and what was left out."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Hardening) -> Iterator[str]:
    yield f"# Hardening of {escape(found.application)}"
    yield ""
    if found.combined is None:
        yield NOTHING
    else:
        yield f"Accepted: {escape(found.combined.defence)}. {escape(found.combined.why)}"
        yield ""
        yield from _goals(found.combined)
        yield ""
        yield from _costs(found.combined)
    yield from ("", "## What was tried", "", "| Defence | Accepted | Why |", "| --- | --- | --- |")
    for one in found.tried:
        yield _row(one.defence, "yes" if one.accepted else "no", one.why)
    for name, reason in found.left_out.items():
        yield _row(name, "not tried", reason)
    if found.hardened:
        yield from ("", f"The hardened application: `{found.hardened}`")


def _goals(one: TriedDefence) -> Iterator[str]:
    yield "| Goal | Before | After | Cheapest successful attack, points | What changed |"
    yield "| --- | --- | --- | --- | --- |"
    for goal, effect in one.goals.items():
        if effect.before is Verdict.NOT_ASSESSED:
            continue
        points = f"{_points(effect.potential_before)} before, {_points(effect.potential_after)} now"
        verdicts = (str(v).replace("_", " ") for v in (effect.before, effect.after))
        yield _row(str(goal), *verdicts, points, effect.sentence)


def _costs(one: TriedDefence) -> Iterator[str]:
    yield "| What it costs | Before | After | Change, 95 % | n |"
    yield "| --- | --- | --- | --- | --- |"
    for cost in one.side_effects:
        yield _row(cost.what, *cost_cells(cost))


def cost_cells(cost: SideEffect) -> tuple[str, str, str, str]:
    """Write a side effect: before, after, the bounds of its change, and of how many records."""
    if cost.unit == "seconds":
        bounds = "too few for an interval"
        if cost.low is not None and cost.high is not None:
            bounds = f"{cost.low:+.2g} s to {cost.high:+.2g} s"
        return f"{cost.before:.3g} s", f"{cost.after:.3g} s", bounds, f"{cost.n:,}"
    bounds = f"{cost.low:+.1%} to {cost.high:+.1%}"
    return f"{cost.before:.1%}", f"{cost.after:.1%}", bounds, f"{cost.n:,}"


def _points(value: float | None) -> str:
    if value is None:
        return "not assessed"
    return "none" if value == float("inf") else f"{value:g}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"
