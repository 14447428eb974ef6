"""`goalkeeper harden`: try defences, and keep what is shown to help."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import amounts, options
from goalkeeper.cli.common import (
    AsJson,
    File,
    Seed,
    make_console,
    redirect_stdout_of_user_code,
    shell_command,
)
from goalkeeper.cli.effort import DEFAULT_LIMIT
from goalkeeper.cli.exits import Exit
from goalkeeper.cli.progress import Progress

if TYPE_CHECKING:
    from goalkeeper.compute.executor import Execution
    from goalkeeper.core.compute_settings import ComputeSettings
    from goalkeeper.hardening import Hardening

Names = Annotated[
    list[str] | None,
    typer.Option(
        "--defence",
        help="Try only this defence (goalkeeper list defences); may be repeated. Default: all that "
        "are meant to stop the attacks that succeed.",
    ),
]
Auto = Annotated[
    bool,
    typer.Option(
        "--auto",
        help="Try all defences that are meant to stop the attacks that succeed; that is the "
        "default.",
    ),
]
Limit = Annotated[
    str,
    typer.Option(
        "--time",
        help="Time limit, e.g. 30m, for everything together. The same command continues.",
        show_default="15m",
    ),
]


@options.option_groups(
    execution=options.collect_execution,
    compute=options.collect_compute,
    store=options.choose_store,
)
def harden(
    file: File,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the hardening; resumed if it exists.")
    ] = Path("goalkeeper-hardening"),
    *,
    names: Names = None,
    auto: Auto = False,
    seed: Seed = 0,
    limit: Limit = "",
    execution: Execution,
    compute: ComputeSettings,
    store: Path | bool,
    as_json: AsJson = False,
) -> None:
    """Try defences, and keep those that are shown to help.

    The application is assessed as it is. Then each defence is applied, the model retrained, and
    the attacks that decided are run again by an attacker who knows the defence. A defence is
    accepted if a goal becomes better beyond chance, no other goal worse, and it costs no more than
    the tolerances of the application. Accepted ones are tried together; the hardened application
    file is written, ready for goalkeeper run. Exit code 0: something was accepted; 1: nothing.
    """
    from math import isfinite

    from goalkeeper import hardening, running
    from goalkeeper.core.errors import DescriptionError

    if auto and names:
        raise DescriptionError(
            "--auto tries all defences, and --defence only those that it names",
            key="--auto",
            expected="one of the two",
            advice="leave one of them out",
        )
    begun = time.monotonic()
    seconds = amounts.parse_seconds(limit, "--time")
    seconds = (seconds if isfinite(seconds) else DEFAULT_LIMIT) - (time.monotonic() - begun)
    run_options = running.RunOptions(
        execution=execution, compute=compute, store=store, progress=Progress(silent=as_json)
    )
    settings = hardening.HardenOptions(
        defences=tuple(names or ()),
        seed=seed,
        time=seconds,
        run=run_options,
        tell=lambda text: typer.echo(f"== {text}", err=True),
    )
    with redirect_stdout_of_user_code():
        found = hardening.harden(file, output, options=settings)
    if as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        _print(found)
    raise typer.Exit(Exit.MET if found.hardened else Exit.NOT_MET)


def _print(found: Hardening) -> None:
    from rich.table import Table

    console = make_console()
    table = Table("Defence", "Accepted", "Why", title="What was tried", title_justify="left")
    for one in found.tried:
        table.add_row(one.defence, "yes" if one.accepted else "no", one.why)
    console.print(table)
    if found.combined is not None:
        _print_goals(found)
    for name, reason in found.left_out.items():
        typer.echo(f"not tried: {name}: {reason}")
    typer.echo(f"report: {found.report}")
    if found.hardened:
        typer.echo(f"hardened application: {found.hardened}")
        typer.echo(f"next: {shell_command('run', found.hardened)}")
    else:
        typer.echo("nothing was accepted: the application stays as it is")


def _print_goals(found: Hardening) -> None:
    from rich.table import Table

    from goalkeeper.hardening import cost_cells

    combined = found.combined
    if combined is None:
        return
    goals = Table("Goal", "Before", "After", "What changed", title=f"With {combined.defence}")
    for goal, effect in combined.goals.items():
        before, after = (str(v).replace("_", " ") for v in (effect.before, effect.after))
        goals.add_row(str(goal), before, after, effect.sentence)
    costs = Table("What it costs", "Before", "After", "Change, 95 %", "n")
    for cost in combined.side_effects:
        costs.add_row(cost.what, *cost_cells(cost))
    console = make_console()
    console.print(goals)
    console.print(costs)
