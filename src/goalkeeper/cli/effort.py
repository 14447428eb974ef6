"""Effort and time: how large samples are, and what more time would buy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import amounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goalkeeper.estimate import Pace
    from goalkeeper.planning import Unit
    from goalkeeper.running import Sizing

Effort = Annotated[
    float | None,
    typer.Option(
        "--effort",
        help="Multiply sample sizes and shadow models; four times the effort halves intervals.",
        show_default="1, or what --time allows",
    ),
]
TimeLimit = Annotated[
    str,
    typer.Option("--time", help="Choose the effort that fits, and stop then, e.g. 10m."),
]


def sizing(effort: Effort = None, limit: TimeLimit = "") -> Sizing:
    """Gather effort and time, which counts from now; raises DescriptionError."""
    begun = time.monotonic()  # before the imports, which take some of it
    from goalkeeper.running import Sizing, check_effort

    return Sizing(
        effort=None if effort is None else check_effort(effort),
        limit=amounts.seconds(limit, "--time"),
        begun=begun,
    )


def bought(effort: float, pace: Pace, units: Sequence[Unit], jobs: int) -> str:
    """Say what an effort means for intervals, and what more time would buy."""
    from goalkeeper.estimate import MOST

    said = "the usual sample sizes"
    if effort != 1:
        said = f"intervals about {effort**-0.5:.2g} times as wide as usual"
    more, gain = (1.0, "the usual ones") if effort < 1 else (4 * effort, "half the width")
    took, then = (duration(pace.total(units, jobs, e)) for e in (effort, more))
    offer = f"; {then} would give {gain}" if more <= MOST else ""
    return f"effort {effort:g}: {said}, about {took}{offer}"


def duration(seconds_: float) -> str:
    """Write a time as people say it."""
    if seconds_ < 99.5:
        return f"{seconds_:.0f} s"
    return f"{seconds_ / 60:.0f} min" if seconds_ < 5700 else f"{seconds_ / 3600:.1f} h"
