"""Effort and time: how large samples are, and what more time would buy."""

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
    from goalkeeper.estimate import Pace
    from goalkeeper.planning import Unit

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


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants: an effort (None: the usual, or what fits), and seconds to keep to.

    They count from `begun`, a reading of the monotonic clock: loading and measuring take some.
    """

    effort: float | None
    limit: float
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds that are left."""
        return self.limit - (time.monotonic() - self.begun)


def wish(effort: Effort = None, limit: TimeLimit = "") -> Wish:
    """Gather effort and time; raises DescriptionError."""
    return Wish(None if effort is None else checked(effort), amounts.seconds(limit, "--time"))


def checked(effort: float) -> float:
    """Refuse an effort out of range; raises DescriptionError."""
    from goalkeeper.core.errors import DescriptionError
    from goalkeeper.estimate import LEAST, MOST

    if not LEAST <= effort <= MOST:
        raise DescriptionError(
            "there is no such effort",
            key="--effort",
            expected=f"a number from {LEAST:g} to {MOST:g}",
            given=f"{effort:g}",
        )
    return effort


def fitted(ready: Session, wanted: Wish, jobs: int) -> tuple[Session, Callable[[], Pace]]:
    """Choose the effort and plan with it; return what measures the pace, once, when it is asked.

    A given effort is taken as it is; else that of an earlier run in the same folder, so that it is
    resumed; else the one that fits into the time; else 1.
    """
    from goalkeeper.assessing import resized
    from goalkeeper.estimate import affordable, measure

    pace = cache(partial(measure, ready.app))
    chosen = wanted.effort or _earlier(ready)
    if chosen is None and isfinite(wanted.limit):
        loading = wanted.limit - wanted.left()  # workers load the same before they play
        measured = pace()
        chosen = affordable(measured, ready.plan.units, jobs, wanted.left() - loading)
    chosen = chosen or 1.0
    return (ready if chosen == 1 else resized(ready, chosen)), pace


def _earlier(ready: Session) -> float | None:
    """Return the effort of the run that the folder holds."""
    from goalkeeper.cli.common import frozen

    said = frozen(ready.folder.root).get("effort") if ready.folder is not None else None
    return float(said) if isinstance(said, int | float) else None


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
