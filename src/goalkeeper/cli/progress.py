"""Progress of a run: one line per attack run, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli.effort import describe_effort, duration

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.core.evidence import AttackResult
    from goalkeeper.estimate import OperationTimes


TRUSTED = 0.1  # weight of the estimate, as a share of all attack runs


class Progress:
    """Counts attack runs, and estimates the remaining time."""

    def __init__(
        self, session: Session, pace: Callable[[], OperationTimes], jobs: int, *, silent: bool
    ) -> None:
        self._pace, self._jobs, self._silent = pace, max(1, jobs), silent
        self._effort = session.plan.choice.effort
        self._units = {unit.id: unit for unit in session.plan.units}
        self._weight: dict[str, float] = {}
        self._done: list[str] = []
        self._first = 0.0  # when the first attack run ended

    def have(self, kept: int, taken: int) -> None:
        """Report how many results the folder and the store already hold."""
        total = f"of {len(self._units)} attack runs"
        if kept:
            self._say(f"resuming: {kept} {total} are already done")
        if taken:
            self._say(f"from the store: {taken} {total}")

    def start(self, result: Mapping[str, AttackResult], limit: float) -> None:
        """Report how many attack runs remain, and whether they fit into the time limit."""
        missing = [unit for unit in self._units.values() if unit.id not in result]
        if not missing:
            return
        pace = self._pace()
        self._weight = {unit.id: pace.seconds(unit, self._effort) for unit in missing}
        cost = describe_effort(self._effort, pace, missing, self._jobs)
        self._say(f"{len(missing)} attack runs; {cost}")
        if pace.total(missing, self._jobs, self._effort) > limit:
            self._say(
                f"not all of them fit into the remaining {duration(limit)}; run the same command "
                "again for the others"
            )

    def advance(self, unit: str, result: AttackResult) -> None:
        """Report the status of an attack run, and the remaining time."""
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
        """Estimate the remaining seconds from estimated and actual times so far.

        Time counts from the end of the first attack run, because workers start before it. The
        prior estimate has the weight of `TRUSTED` of all attack runs.
        """
        total, first = sum(self._weight.values()), self._weight[self._done[0]]
        done = sum(self._weight[unit] for unit in self._done)
        taken = (time.monotonic() - self._first) * self._jobs
        trusted = TRUSTED * total + first
        return (total - done) / self._jobs * (taken + trusted) / (done - first + trusted)

    def warn(self, text: str) -> None:
        """Print a warning, also when silent."""
        typer.echo(f"warning: {text}", err=True)

    def _say(self, text: str) -> None:
        if not self._silent:
            typer.echo(text, err=True)
