"""What is said while a run goes on: one line a play, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli.effort import bought, duration

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.core.evidence import AttackResult
    from goalkeeper.estimate import Pace


TRUSTED = 0.1  # part of all plays


class Progress:
    """Counts plays, and estimates how long the rest will take."""

    def __init__(
        self, session: Session, pace: Callable[[], Pace], jobs: int, *, silent: bool
    ) -> None:
        self._pace, self._jobs, self._silent = pace, max(1, jobs), silent
        self._effort = session.plan.choice.effort
        self._units = {unit.id: unit for unit in session.plan.units}
        self._weight: dict[str, float] = {}
        self._done: list[str] = []
        self._first = 0.0  # when the first play had ended

    def have(self, kept: int, taken: int) -> None:
        """Say how many plays the folder and the store hold."""
        of = f"of {len(self._units)} plays"
        if kept:
            self._say(f"resuming: {kept} {of} are already there")
        if taken:
            self._say(f"taken from the store: {taken} {of}")

    def start(self, result: Mapping[str, AttackResult], limit: float) -> None:
        """Say how much there is to do, and whether it fits into so many seconds."""
        missing = [unit for unit in self._units.values() if unit.id not in result]
        if not missing:
            return
        pace = self._pace()
        self._weight = {unit.id: pace.seconds(unit, self._effort) for unit in missing}
        self._say(f"{len(missing)} plays; {bought(self._effort, pace, missing, self._jobs)}")
        if pace.total(missing, self._jobs, self._effort) > limit:
            self._say(
                f"not all of them fit into the {duration(limit)} that are left; the same command "
                "plays the others later"
            )

    def advance(self, unit: str, result: AttackResult) -> None:
        """Say how a play ended, and how long the rest will take."""
        self._done.append(unit)
        self._first = self._first or time.monotonic()
        left = self._left()
        name = f"{self._units[unit].attack} / {self._units[unit].run.task.name}"
        self._say(
            f"[{len(self._done)}/{len(self._weight)}] {name}: "
            f"{result.status.value.replace('_', ' ')}"
            f"{' - ' + result.summary if result.summary else ''} (about {left:.0f} s left)"
        )

    def _left(self) -> float:
        """Estimate the seconds that are left from what the plays so far were estimated and took.

        They are counted from the end of the first, before which workers start. The estimate
        counts as if it had come true for `TRUSTED` of all plays.
        """
        total, first = sum(self._weight.values()), self._weight[self._done[0]]
        done = sum(self._weight[unit] for unit in self._done)
        taken = (time.monotonic() - self._first) * self._jobs
        trusted = TRUSTED * total + first
        return (total - done) / self._jobs * (taken + trusted) / (done - first + trusted)

    def warn(self, text: str) -> None:
        """Say what a silent run says, too."""
        typer.echo(f"warning: {text}", err=True)

    def _say(self, text: str) -> None:
        if not self._silent:
            typer.echo(text, err=True)
