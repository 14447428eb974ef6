"""`goalkeeper plan`: which attacks will be run and which will not, with the reasons."""

from __future__ import annotations

import json
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
    make_console,
    parse_choice,
    prepare_session,
    redirect_stdout_of_user_code,
    shell_command,
    spinner,
)
from goalkeeper.cli.effort import collect_sizing, describe_effort, format_duration
from goalkeeper.cli.service import describe_service

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.core.compute_settings import ComputeSettings
    from goalkeeper.estimate import OperationTimes
    from goalkeeper.planning import Choice
    from goalkeeper.running import Sizing


@options.option_groups(chosen=parse_choice, compute=options.collect_compute, sizing=collect_sizing)
def plan(
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
    """Show for each attack and attacker whether it is planned or skipped, why, and its cost."""
    from goalkeeper.assessing import with_fit
    from goalkeeper.compute.executor import Execution
    from goalkeeper.running import fit_effort

    options.limit_user_code(call_time, memory)
    jobs = Execution(jobs=jobs).slots
    with spinner("loading the model, and planning", silent=as_json):
        ready = prepare_session(file, seed, chosen, compute)
        with redirect_stdout_of_user_code():
            ready = with_fit(replace(ready, file=str(file)))
    with (
        spinner("measuring how long answers and trainings take", silent=as_json),
        redirect_stdout_of_user_code(),
    ):
        ready, measure = fit_effort(ready, sizing, jobs)
        times = measure()
    if as_json:
        typer.echo(json.dumps(_make_rows(ready, times), indent=1))
    else:
        _print(ready, times, file, jobs)


def _make_rows(ready: Session, times: OperationTimes) -> list[dict[str, object]]:
    from goalkeeper.estimate import estimate_memory, estimate_queries

    rows, effort, worker = [], ready.plan.choice.effort, estimate_memory(ready.app)
    for entry in ready.plan.entries:
        row = json.loads(entry.row().model_dump_json())
        if entry.unit:
            row["estimate"]["seconds"] = round(times.seconds(entry.unit, effort), 3)
            row["estimate"]["asked"] = round(estimate_queries(entry.unit))
            row["estimate"]["memory"] = worker
        rows.append(row)
    return rows


def _print(ready: Session, times: OperationTimes, file: Path, jobs: int) -> None:
    from rich.table import Table

    from goalkeeper.estimate import estimate_memory, estimate_queries
    from goalkeeper.report.fitness import describe_doubt, describe_fit

    out, effort = make_console(), ready.plan.choice.effort
    if ready.fit is not None:
        for line in filter(None, (describe_fit(ready.fit), describe_doubt(ready.fit))):
            typer.echo(line)
    table = Table("attack", "task", "attacker", "queries", "time", title="Planned", expand=False)
    for entry in ready.plan.entries:
        if entry.unit:
            queries = f"{estimate_queries(entry.unit):,.0f}"
            time = f"{times.seconds(entry.unit, effort):.1f} s"
            table.add_row(entry.attack, entry.task.name, entry.attacker.name, queries, time)
    out.print(table)
    skipped = Table("attack or variant", "attackers", "why", title="Skipped", expand=False)
    for (name, why), who in _group_skipped(ready).items():
        skipped.add_row(name, ", ".join(who), why)
    out.print(skipped)
    units = ready.plan.units
    out.print(
        f"{count_runs(len(units))} (attackers with the same grant share one), about "
        f"{format_duration(times.total(units, jobs, effort))} on {jobs} workers with about "
        f"{estimate_memory(ready.app) / 2**30:.1f} GiB each"
    )
    out.print(describe_effort(effort, times, units, jobs))
    for line in describe_service(ready):
        out.print(line)
    effort_option = [] if effort == 1 else ["--effort", f"{effort:g}"]
    typer.echo(f"next: {shell_command('run', file, '-o', file.parent / 'run', *effort_option)}")


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
