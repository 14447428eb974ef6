"""`goalkeeper plan`: which attacks will be run and which will not, with the reasons."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli import options
from goalkeeper.cli.amounts import count_runs
from goalkeeper.cli.common import (
    AsJson,
    File,
    Jobs,
    Seed,
    given_options,
    make_console,
    parse_choice,
    prepare_session,
    print_table,
    redirect_stdout_of_user_code,
    shell_command,
    spinner,
)
from goalkeeper.cli.effort import (
    collect_limited_sizing,
    describe_time,
    format_duration,
    limit_by_default,
)
from goalkeeper.cli.service import describe_service

if TYPE_CHECKING:
    from rich.table import Table

    from goalkeeper.assessing import Session
    from goalkeeper.core.compute_settings import ComputeSettings
    from goalkeeper.estimate import OperationTimes
    from goalkeeper.planning import Choice, PlanEntry, Unit
    from goalkeeper.running import Sizing

SLACK = 1.2  # estimates are off by a fifth where the machine is idle


@options.option_groups(
    chosen=parse_choice, compute=options.collect_compute, sizing=collect_limited_sizing
)
def plan(
    context: typer.Context,
    file: File,
    *,
    chosen: Choice,
    seed: Seed = 0,
    jobs: Jobs = 0,
    compute: ComputeSettings,
    sizing: Sizing,
    as_json: AsJson = False,
    call_time: options.CallTime = "",
    memory: options.Memory = "",
) -> None:
    """Show what a run would do, in which order and how long, and what it would not do, and why.

    The first table lists the attack runs in their order, with the time of a quarter of the sample
    and of all of it: most need only the quarter, and many are not made once a verdict is settled.
    The second one lists what is skipped: what the attacker lacks, what does not apply, and what no
    verdict depends on. The last lines give the time of everything, and the flags that make it fit.
    """
    from goalkeeper.assessing import with_fit
    from goalkeeper.compute.executor import Execution
    from goalkeeper.running import settle_effort

    options.limit_user_code(call_time, memory)
    jobs, sized = Execution(jobs=jobs).slots, limit_by_default(sizing, chosen)
    with spinner("loading the model, and planning", silent=as_json):
        ready = prepare_session(file, seed, chosen, compute)
        with redirect_stdout_of_user_code():
            ready = with_fit(replace(ready, file=str(file)))
    with (
        spinner("measuring how long answers and trainings take", silent=as_json),
        redirect_stdout_of_user_code(),
    ):
        ready, measure = settle_effort(ready, sized)
        times = measure()
    if as_json:
        typer.echo(json.dumps(_make_rows(ready, times), indent=1))
    else:
        _print(ready, times, file, jobs)
        _print_time(ready, times, jobs, sized.limit)
        flags = given_options(context, without=("as_json",))
        typer.echo(f"next: {shell_command('run', file, '-o', file.parent / 'run', *flags)}")


def _make_rows(ready: Session, times: OperationTimes) -> list[dict[str, object]]:
    from goalkeeper.estimate import estimate_memory, estimate_queries

    rows, worker = [], estimate_memory(ready.app)
    for entry in ready.plan.entries:
        row = json.loads(entry.row().model_dump_json())
        if entry.unit:
            row["estimate"]["seconds"] = round(times.seconds(entry.unit, entry.unit.effort), 3)
            row["estimate"]["asked"] = round(estimate_queries(entry.unit))
            row["estimate"]["memory"] = worker
        rows.append(row)
    return rows


def _print(ready: Session, times: OperationTimes, file: Path, jobs: int) -> None:
    from rich.table import Table

    from goalkeeper.estimate import estimate_memory
    from goalkeeper.report.fitness import describe_doubt, describe_fit

    out = make_console()
    if ready.fit is not None:
        for line in filter(None, (describe_fit(ready.fit), describe_doubt(ready.fit))):
            typer.echo(line)
    print_table(_tabulate_planned(ready, times), out)
    skipped = Table("attack or variant", "attackers", "why", title="Skipped", expand=False)
    for (name, why), who in _group_skipped(ready).items():
        skipped.add_row(name, ", ".join(who), why)
    print_table(skipped, out)
    pending = ready.agenda.follow({}).pending
    out.print(
        f"{count_runs(len(ready.plan.units))} (attackers with the same grant share one): "
        f"{describe_time(pending, times, jobs)}; "
        f"a worker takes about {estimate_memory(ready.app) / 2**30:.1f} GiB"
    )
    for line in describe_service(ready):
        out.print(line)


def _print_time(ready: Session, times: OperationTimes, jobs: int, limit: float) -> None:
    """Say whether all of it fits into the time limit, and which flags make it fit."""
    from goalkeeper.estimate import total_for

    most = total_for(times, ready.agenda.follow({}).pending, jobs).now
    if most <= limit:
        return
    wanted = f"--time {math.ceil(SLACK * most / 60)}m"
    typer.echo(
        f"A run ends after {format_duration(limit)} and says what is left. All of it fits into "
        f"{wanted}; smaller samples need less time: --effort 0.5"
    )


def _tabulate_planned(ready: Session, times: OperationTimes) -> Table:
    """List the attack runs in the order in which they are made; names are never cut."""
    from rich.table import Table

    from goalkeeper.estimate import estimate_queries

    table = Table("attack", "attackers, goals", "queries", "time", title="Planned")
    for i in (0, 2, 3):
        table.columns[i].no_wrap = True
    first = {unit.id: i for i, unit in enumerate(ready.agenda.follow({}).pending)}
    runs: dict[str, list[PlanEntry]] = {}
    for entry in ready.plan.entries:
        if entry.unit:
            runs.setdefault(entry.unit.id, []).append(entry)
    order = sorted(runs.values(), key=lambda shared: min(first[u.id] for u in _looks(shared[0])))
    for shared in order:
        looks, one = _looks(shared[0]), shared[0]
        seconds = (times.seconds(look, look.effort) for look in looks)
        table.add_row(
            f"{one.attack}\n  on {one.task.name}",
            f"{', '.join(dict.fromkeys(e.attacker.name for e in shared))}\n"
            f"  for {', '.join(one.goals)}",
            f"{estimate_queries(looks[-1]):,.0f}",
            " or ".join(f"{s:.1f} s" for s in seconds),
        )
    return table


def _looks(entry: PlanEntry) -> list[Unit]:
    return [look for look in (entry.interim, entry.unit) if look]


def _group_skipped(ready: Session) -> dict[tuple[str, str], list[str]]:
    """Group attackers by what is skipped and why."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in ready.plan.entries:
        if not entry.unit:
            key = (entry.attack or entry.variant.id, "; ".join(entry.reasons))
            who = found.setdefault(key, [])
            if entry.attacker.name not in who:
                who.append(entry.attacker.name)
    return found
