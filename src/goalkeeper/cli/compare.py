"""`goalkeeper compare`: say what got better or worse between two runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli.common import AsJson, make_console
from goalkeeper.cli.exits import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from goalkeeper.comparing import AttackChange, Comparison


class CompareFormat(StrEnum):
    """In which form the comparison is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def compare(
    before: Annotated[
        Path,
        typer.Argument(
            metavar="A", help="The run before: a run folder or assessment.json.", show_default=False
        ),
    ],
    after: Annotated[
        Path,
        typer.Argument(
            metavar="B", help="The run after: a run folder or assessment.json.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    form: Annotated[
        CompareFormat,
        typer.Option("--format", help="text, markdown (for a pull request) or json."),
    ] = CompareFormat.TEXT,
) -> None:
    """Compare two runs, before and after a change: better, worse, or undecided.

    Attacks with the same items in both runs are compared item by item. Chance alone makes it claim
    a change in at most 5 % of comparisons. The exit code is 1 where something got worse.
    """
    from goalkeeper.comparing import compare as compare_runs
    from goalkeeper.comparing import render_markdown_comparison

    found = compare_runs(before, after)
    if as_json or form is CompareFormat.JSON:
        typer.echo(found.to_json(), nl=False)
    elif form is CompareFormat.MARKDOWN:
        typer.echo(render_markdown_comparison(found), nl=False)
    else:
        _print(found, make_console())
    if found.worse:
        raise typer.Exit(Exit.NOT_MET)


def _print(found: Comparison, console: Console) -> None:
    from goalkeeper.comparing import Direction

    console.print(found.summary, style="bold", markup=False)
    console.print(f"A (before): {found.before.source}", markup=False)
    console.print(f"B (after):  {found.after.source}", markup=False)
    _print_goals(found, console)
    changed = [row for row in found.attacks if row.change is not Direction.UNDECIDED]
    alike = [row for row in found.attacks if row.compared and row.change is Direction.UNDECIDED]
    _print_attacks("What changed", changed, console)
    _print_attacks("What may have changed, or not", alike, console)
    _print_left_out([row for row in found.attacks if not row.compared], console)
    if found.differences:
        console.print("\nWhat differs between the runs", style="bold")
        for row in found.differences:
            text = f"- {row.what}: {row.before} before, {row.after} after; {row.effect}"
            console.print(text, markup=False)
    for command in found.next:
        console.print(f"next: {command}", markup=False, soft_wrap=True)


def _print_goals(found: Comparison, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from goalkeeper.comparing import VERDICTS

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("goal", no_wrap=True)
    for name in ("before", "after", "change"):
        table.add_column(name, no_wrap=True)
    for name in ("exposure before", "exposure after"):
        table.add_column(name, overflow="fold")
    for goal, row in found.goals.items():
        verdicts = VERDICTS[row.verdict_before], VERDICTS[row.verdict_after]
        levels = [f"{e.low:g} to {e.high:g}" for e in (row.exposure_before, row.exposure_after)]
        table.add_row(*(Text(text) for text in (goal, *verdicts, row.change, *levels)))
    console.print()
    console.print(table)
    console.print()
    for row in found.goals.values():
        console.print(row.sentence, markup=False)


def _print_attacks(title: str, rows: list[AttackChange], console: Console) -> None:
    from goalkeeper.comparing import say_powers, say_values

    if not rows:
        return
    console.print(f"\n{title}", style="bold")
    for row in rows:
        p = "" if row.p_holm is None else f", p {row.p_holm:.2g} over all attacks"
        pairing = row.pairing.partition(":")[0]
        text = (
            f"- {row.attack} ({row.task}) by {' or '.join(row.attackers)}: {row.change}; "
            f"{say_values(row)} ({pairing}{p})."
        )
        console.print(" ".join(filter(None, (text, row.reason, say_powers(row)))), markup=False)


def _print_left_out(rows: list[AttackChange], console: Console) -> None:
    """Print why attacks were not compared, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(row.reason, []).append(f"{row.attack or row.variant} ({row.task})")
    if rows:
        console.print("\nNot compared", style="bold")
    for reason, names in by_reason.items():
        console.print(f"- {', '.join(dict.fromkeys(names))}: {reason}", markup=False)
