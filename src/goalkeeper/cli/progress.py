"""Progress of a run: one line per attack run, on standard error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli.amounts import count_runs
from goalkeeper.cli.common import spinner
from goalkeeper.cli.effort import describe_time, format_duration
from goalkeeper.core.noticeboard import BOARD, Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goalkeeper.core.evidence import AttackResult
    from goalkeeper.core.fit import FitReport
    from goalkeeper.planning import Unit
    from goalkeeper.running.options import Event, Finished, Started


TRUSTED = 0.1  # weight of the estimate, as a share of all attack runs


class Progress:
    """Counts attack runs, says what they decide, and estimates the remaining time."""

    def __init__(self, *, silent: bool, language: str = "en") -> None:
        self._silent = silent
        self._language = language
        self._jobs = 1
        self._weight: dict[str, float] = {}
        self._interim: set[str] = set()
        self._done: list[str] = []
        self._decided: set[str] = set()
        self._first = 0.0  # when the first attack run ended

    def __call__(self, event: Event) -> None:
        """Report an event of the run."""
        from goalkeeper.running import Finished, Measured, Warned

        if isinstance(event, Warned):  # also when silent
            typer.echo(f"warning: {event.text}", err=True)
        elif isinstance(event, Finished):
            self._advance(event)
        elif isinstance(event, Measured):
            self._report_fit(event.fit)
        else:
            self._start(event)
            BOARD.raise_flag(Flag.RESULTS)  # from now on, finished attack runs are kept

    def _report_fit(self, fit: FitReport) -> None:
        """Report what the model answers to labelled records, and what is in doubt about it."""
        from goalkeeper.report.fitness import describe_doubt, describe_fit
        from goalkeeper.report.language import find_language, speaking

        with speaking(find_language(self._language)):
            for line in filter(None, (describe_fit(fit), describe_doubt(fit))):
                self._say(line)

    def _start(self, event: Started) -> None:
        """Report how many results are already there, how many remain, and whether they fit."""
        from goalkeeper.estimate import total_for

        if event.kept:
            self._say(f"resuming: {count_runs(event.kept)} done already")
        if event.reused:
            self._say(f"from the store: {count_runs(event.reused)}")
        if not event.pending:
            return
        with spinner("measuring how long answers and trainings take", silent=self._silent):
            times = event.measure_times()
        self._jobs, pending = max(1, event.workers), event.pending
        self._interim = {unit.id for unit in pending} - {unit.id for unit in event.units}
        self._weight = {unit.id: times.seconds(unit, unit.effort) for unit in pending}
        cost = describe_time(pending, times, self._jobs)
        self._say(f"{count_runs(len(event.units))} can decide a verdict: {cost}")
        if total_for(times, pending, self._jobs).now > event.left:
            left = format_duration(max(0.0, event.left))
            self._say(f"time limit: {left}; the shortest run first, and the same command continues")

    def _advance(self, event: Finished) -> None:
        """Report the status of an attack run, what it decided, and the remaining time."""
        self._done.append(event.unit.id)
        self._first = self._first or time.monotonic()
        left = format_duration(self._left(event.status.pending))
        told = describe_result(event, first_look=event.unit.id in self._interim)
        self._say(f"[{len(self._done)}] {told} (at most about {left} left)")
        for goal in event.status.decided:
            if goal not in self._decided:
                self._decided.add(goal)
                self._say(f"{goal}: not met; attack runs that only count for it are left out")

    def _left(self, pending: Sequence[Unit]) -> float:
        """Estimate the remaining seconds from estimated and actual times so far.

        Time counts from the end of the first attack run, because workers start before it. The
        prior estimate has the weight of `TRUSTED` of all attack runs.
        """
        total, first = sum(self._weight.values()), self._weight.get(self._done[0], 0.0)
        done = sum(self._weight.get(unit, 0.0) for unit in self._done)
        left = sum(self._weight.get(unit.id, 0.0) for unit in pending)
        taken = (time.monotonic() - self._first) * self._jobs
        prior = TRUSTED * total + first
        return left / self._jobs * (taken + prior) / (done - first + prior)

    def _say(self, text: str) -> None:
        if not self._silent:
            typer.echo(text, err=True)


def describe_result(event: Finished, *, first_look: bool) -> str:
    """Say what an attack run found; one begun ahead may turn out not to be needed."""
    unit, result = event.unit, event.result
    look = ", first look" if first_look else ""
    by = f" by {', '.join(event.attackers)}" if event.attackers else ""
    counts = unit.id in event.status.counted
    not_needed = "" if counts else " Not counted: meanwhile no verdict depends on it."
    return f"{unit.attack} on {unit.run.task.name}{by}{look}: {_say_result(result)}{not_needed}"


def _say_result(result: AttackResult) -> str:
    """Say what was measured; a run that shows nothing gives no numbers that look like a result."""
    from goalkeeper.core.evidence import Status

    if result.status is Status.TESTED and result.summary:
        return f"{result.summary.rstrip('.')}."
    status = result.status.value.replace("_", " ")
    reason = result.reason or "it failed even against a weakened version of the application"
    if result.status is Status.CONTROL_FAILED:
        return f"not conclusive, {status}: {reason.rstrip('.')}."
    return f"{status}: {result.reason.rstrip('.')}." if result.reason else f"{status}."
