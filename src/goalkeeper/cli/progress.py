"""Progress of a run: one line per attack run, on standard error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli.amounts import count_runs
from goalkeeper.cli.common import spinner
from goalkeeper.cli.effort import describe_effort, format_duration
from goalkeeper.core.noticeboard import BOARD, Flag

if TYPE_CHECKING:
    from goalkeeper.core.evidence import AttackResult
    from goalkeeper.core.fit import FitReport
    from goalkeeper.planning import Unit
    from goalkeeper.running.options import Event, Started


TRUSTED = 0.1  # weight of the estimate, as a share of all attack runs


class Progress:
    """Counts attack runs, and estimates the remaining time."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._jobs = 1
        self._weight: dict[str, float] = {}
        self._done: list[str] = []
        self._first = 0.0  # when the first attack run ended

    def __call__(self, event: Event) -> None:
        """Report an event of the run."""
        from goalkeeper.running import Finished, Measured, Warned

        if isinstance(event, Warned):  # also when silent
            typer.echo(f"warning: {event.text}", err=True)
        elif isinstance(event, Finished):
            self._advance(event.unit, event.result)
        elif isinstance(event, Measured):
            self._report_fit(event.fit)
        else:
            self._start(event)
            BOARD.raise_flag(Flag.RESULTS)  # from now on, finished attack runs are kept

    def _report_fit(self, fit: FitReport) -> None:
        """Report what the model answers to labelled records, and what is in doubt about it."""
        from goalkeeper.report.fitness import describe_doubt, describe_fit

        for line in filter(None, (describe_fit(fit), describe_doubt(fit))):
            self._say(line)

    def _start(self, event: Started) -> None:
        """Report how many results are already there, how many remain, and whether they fit."""
        total = f"of {count_runs(len(event.units))}"
        if event.kept:
            self._say(f"resuming: {event.kept} {total} are already done")
        if event.reused:
            self._say(f"from the store: {event.reused} {total}")
        if not event.missing:
            return
        with spinner("measuring how long answers and trainings take", silent=self._silent):
            times = event.measure_times()
        self._jobs, missing = max(1, event.workers), event.missing
        self._weight = {unit.id: times.seconds(unit, event.effort) for unit in missing}
        cost = describe_effort(event.effort, times, missing, self._jobs)
        self._say(f"{count_runs(len(missing))}; {cost}")
        if times.total(missing, self._jobs, event.effort) > event.left:
            self._say(
                f"not all of them fit into the remaining {format_duration(event.left)}; run the "
                "same command again for the others"
            )

    def _advance(self, unit: Unit, result: AttackResult) -> None:
        """Report the status of an attack run, and the remaining time."""
        self._done.append(unit.id)
        self._first = self._first or time.monotonic()
        left = self._left()
        name = f"{unit.attack} / {unit.run.task.name}"
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
        prior = TRUSTED * total + first
        return (total - done) / self._jobs * (taken + prior) / (done - first + prior)

    def _say(self, text: str) -> None:
        if not self._silent:
            typer.echo(text, err=True)
