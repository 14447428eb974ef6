"""Effort and time limit: sample sizes, and what they mean for intervals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import amounts
from goalkeeper.core.deadline import format_duration as format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goalkeeper.estimate import OperationTimes
    from goalkeeper.planning import Unit
    from goalkeeper.running import Sizing

Effort = Annotated[
    float | None,
    typer.Option(
        "--effort",
        help="Multiply sample sizes and shadow models; 4 times the effort halves the intervals.",
        show_default="1, or what --time allows",
    ),
]
TimeLimit = Annotated[
    str,
    typer.Option(
        "--time",
        help="Time limit, e.g. 10m: choose the effort that fits, and start no attack run later.",
    ),
]


def collect_sizing(effort: Effort = None, limit: TimeLimit = "") -> Sizing:
    """Gather effort and time, which counts from now; raises DescriptionError."""
    begun = time.monotonic()  # before the imports, which take some of it
    from goalkeeper.running import Sizing, check_effort

    return Sizing(
        effort=None if effort is None else check_effort(effort),
        limit=amounts.parse_seconds(limit, "--time"),
        begun=begun,
    )


def describe_effort(effort: float, times: OperationTimes, units: Sequence[Unit], jobs: int) -> str:
    """Describe what an effort means for intervals, and what more time would improve."""
    from goalkeeper.estimate import MAX_EFFORT

    meaning = "default sample sizes"
    if effort != 1:
        meaning = f"intervals about {effort**-0.5:.2g} times as wide as at effort 1"
    larger, gain = (1.0, "give effort 1") if effort < 1 else (4 * effort, "halve the intervals")
    time_now, time_then = (format_duration(times.total(units, jobs, e)) for e in (effort, larger))
    offer = f"; {time_then} would {gain}" if larger <= MAX_EFFORT else ""
    return f"effort {effort:g}: {meaning}, about {time_now}{offer}"
