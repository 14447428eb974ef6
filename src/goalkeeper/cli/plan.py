"""`goalkeeper plan`: what will be played and what will not, with the reason for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli import options
from goalkeeper.cli.common import AsJson, File, Seed, choice, console, quiet, session, typed

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.estimate import Pace
    from goalkeeper.planning import Choice


@options.grouped(chosen=choice)
def plan(file: File, *, chosen: Choice, seed: Seed = 0, as_json: AsJson = False) -> None:
    """Show each attack x attacker: planned or skipped, why, and what it will cost."""
    import json

    from goalkeeper.estimate import measure

    ready = session(file, seed, chosen)
    if as_json:
        rows = [json.loads(e.row().model_dump_json()) for e in ready.plan.entries]
        typer.echo(json.dumps(rows, indent=1))
        return
    with quiet():
        pace = measure(ready.app, train=True)
    _print(ready, pace, file)


def _print(ready: Session, pace: Pace, file: Path) -> None:
    from rich.table import Table

    out = console()
    table = Table("attack", "task", "attacker", "queries", "time", title="Planned", expand=False)
    for entry in ready.plan.entries:
        if entry.unit:
            queries = f"{entry.unit.estimate.queries:,.0f}"
            seconds = f"{pace.seconds(entry.unit):.1f} s"
            table.add_row(entry.attack, entry.task.name, entry.attacker.name, queries, seconds)
    out.print(table)
    skipped = Table("attack or variant", "attackers", "why", title="Skipped", expand=False)
    for (name, why), who in _grouped(ready).items():
        skipped.add_row(name, ", ".join(who), why)
    out.print(skipped)
    units = ready.plan.units
    out.print(
        f"{len(units)} plays (attackers with the same grant share one), about "
        f"{pace.total(units):.0f} s on one core"
    )
    typer.echo(f"next: {typed('run', file, '-o', file.parent / 'run')}")


def _grouped(ready: Session) -> dict[tuple[str, str], list[str]]:
    """Gather the attackers for whom the same thing is skipped for the same reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in ready.plan.entries:
        if not entry.unit:
            key = (entry.attack or entry.variant.id, "; ".join(entry.reasons))
            who = found.setdefault(key, [])
            if entry.attacker.name not in who:
                who.append(entry.attacker.name)
    return found
