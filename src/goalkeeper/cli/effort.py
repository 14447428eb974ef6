"""Effort and time limit: how large samples are, and how long a run may take."""

from __future__ import annotations

import time
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import amounts
from goalkeeper.core.deadline import format_duration as format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goalkeeper.estimate import OperationTimes
    from goalkeeper.planning import Choice, Unit
    from goalkeeper.running import Sizing

Effort = Annotated[
    float | None,
    typer.Option(
        "--effort",
        help="Multiply sample sizes and shadow models; 4 times the effort halves the intervals.",
        show_default="1",
    ),
]
TimeLimit = Annotated[
    str,
    typer.Option(
        "--time",
        help="Time limit, e.g. 40m: attack runs end then, and the report says what is left. The "
        "same command continues with it.",
        show_default="15m; none with --effort or --exhaustive",
    ),
]
DEFAULT_LIMIT = 15 * 60.0  # seconds: what people wait for a verdict


def collect_sizing(effort: Effort = None) -> Sizing:
    """Gather the effort; raises DescriptionError."""
    from goalkeeper.running import Sizing, check_effort

    return Sizing(effort=None if effort is None else check_effort(effort))


def collect_limited_sizing(effort: Effort = None, limit: TimeLimit = "") -> Sizing:
    """Gather effort and time, which counts from now; raises DescriptionError."""
    begun = time.monotonic()  # before the imports, which take some of it
    from dataclasses import replace

    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.running.orchestration import HAND_IN

    seconds = amounts.parse_seconds(limit, "--time")
    if seconds <= HAND_IN:
        raise DescriptionError(
            f"attack runs hand in what they have {HAND_IN:g} s before the time is up, so that none "
            "would begin",
            key="--time",
            expected=f"more than {HAND_IN:g}s; loading the model counts, too",
            given=limit,
        )
    return replace(collect_sizing(effort), limit=seconds, begun=begun)


def limit_by_default(sizing: Sizing, chosen: Choice) -> Sizing:
    """Give the default time limit to a run for which no time, effort or completeness was chosen."""
    from dataclasses import replace

    chosen_otherwise = chosen.exhaustive or sizing.effort is not None or isfinite(sizing.limit)
    return sizing if chosen_otherwise else replace(sizing, limit=DEFAULT_LIMIT)


def describe_time(pending: Sequence[Unit], times: OperationTimes, jobs: int) -> str:
    """Say how long the looks at attack runs take: the first ones alone, and all of them."""
    from goalkeeper.estimate import total_for

    first: dict[tuple[str, str, str], Unit] = {}
    for unit in pending:
        first.setdefault((unit.attack, unit.run.task.name, repr(unit.run.granted)), unit)
    most, _, busy = str(total_for(times, pending, jobs)).partition("; ")
    beside = f" ({busy})" if busy else ""
    if len(first) == len(pending):
        return f"{most} on {count_workers(jobs)}{beside}"
    least = format_duration(total_for(times, first.values(), jobs).idle)
    return (
        f"about {least} on {count_workers(jobs)} if a quarter of each sample settles it, at most "
        f"{most}{beside}"
    )


def count_workers(jobs: int) -> str:
    """Write a number of workers."""
    return "1 worker" if jobs == 1 else f"{jobs} workers"
