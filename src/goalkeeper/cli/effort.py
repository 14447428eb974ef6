"""Effort and time limit: sample sizes, and what they mean for intervals."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache, partial
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from goalkeeper.cli import amounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goalkeeper.assessing import Session
    from goalkeeper.estimate import OperationTimes
    from goalkeeper.planning import Unit

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


@dataclass(frozen=True, slots=True)
class EffortRequest:
    """The requested effort (None: default, or what fits the limit), and the limit in seconds.

    The limit counts from `begun`, a reading of the monotonic clock, so loading time is included.
    """

    effort: float | None
    limit: float
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that remain."""
        return self.limit - (time.monotonic() - self.begun)


def request_effort(effort: Effort = None, limit: TimeLimit = "") -> EffortRequest:
    """Parse effort and time limit; raises DescriptionError."""
    return EffortRequest(
        None if effort is None else check_effort(effort), amounts.seconds(limit, "--time")
    )


def check_effort(effort: float) -> float:
    """Return the effort if it is in range; raises DescriptionError otherwise."""
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.estimate import MAX_EFFORT, MIN_EFFORT

    if not MIN_EFFORT <= effort <= MAX_EFFORT:
        raise DescriptionError(
            "effort out of range",
            key="--effort",
            expected=f"a number from {MIN_EFFORT:g} to {MAX_EFFORT:g}",
            given=f"{effort:g}",
        )
    return effort


def apply_effort(
    ready: Session, wanted: EffortRequest, jobs: int
) -> tuple[Session, Callable[[], OperationTimes]]:
    """Choose the effort and plan with it; return a cached function that measures the machine.

    The effort is the one requested; else that of an earlier run in the same folder, so that the
    run is resumed; else the one that fits the time limit; else 1.
    """
    from goalkeeper.assessing import resized
    from goalkeeper.estimate import choose_effort, measure_times

    pace = cache(partial(measure_times, ready.app))
    chosen = wanted.effort or _earlier(ready)
    if chosen is None and isfinite(wanted.limit):
        loading = wanted.limit - wanted.left()  # workers need the same time to load
        measured = pace()
        chosen = choose_effort(measured, ready.plan.units, jobs, wanted.left() - loading)
    chosen = chosen or 1.0
    return (ready if chosen == 1 else resized(ready, chosen)), pace


def _earlier(ready: Session) -> float | None:
    """Return the effort of an earlier run in the folder, if any."""
    from goalkeeper.cli.common import read_run_record

    effort = read_run_record(ready.folder.root).get("effort") if ready.folder is not None else None
    return float(effort) if isinstance(effort, int | float) else None


def describe_effort(effort: float, pace: OperationTimes, units: Sequence[Unit], jobs: int) -> str:
    """Describe what an effort means for intervals, and what more time would improve."""
    from goalkeeper.estimate import MAX_EFFORT

    meaning = "default sample sizes"
    if effort != 1:
        meaning = f"intervals about {effort**-0.5:.2g} times as wide as at effort 1"
    more, gain = (1.0, "give effort 1") if effort < 1 else (4 * effort, "halve the intervals")
    took, then = (duration(pace.total(units, jobs, e)) for e in (effort, more))
    offer = f"; {then} would {gain}" if more <= MAX_EFFORT else ""
    return f"effort {effort:g}: {meaning}, about {took}{offer}"


def duration(seconds_: float) -> str:
    """Format a time for people."""
    if seconds_ < 99.5:
        return f"{seconds_:.0f} s"
    return f"{seconds_ / 60:.0f} min" if seconds_ < 5700 else f"{seconds_ / 3600:.1f} h"
