"""What is said while a run goes on: one line a play, on standard error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from goalkeeper.cli.effort import bought, duration

if TYPE_CHECKING:
    from goalkeeper.core.evidence import AttackResult
    from goalkeeper.planning import Unit
    from goalkeeper.running.options import Event, Started


TRUSTED = 0.1  # part of all plays


class Progress:
    """Counts plays, and estimates how long the rest will take."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._jobs = 1
        self._weight: dict[str, float] = {}
        self._done: list[str] = []
        self._first = 0.0  # when the first play had ended

    def __call__(self, event: Event) -> None:
        """Say what has happened."""
        from goalkeeper.running import Finished, Warned

        if isinstance(event, Warned):  # what a silent run says, too
            typer.echo(f"warning: {event.text}", err=True)
        elif isinstance(event, Finished):
            self._advance(event.unit, event.result)
        else:
            self._start(event)

    def _start(self, event: Started) -> None:
        """Say how many plays are there, how much there is to do, and whether it fits."""
        of = f"of {len(event.units)} plays"
        if event.kept:
            self._say(f"resuming: {event.kept} {of} are already there")
        if event.reused:
            self._say(f"taken from the store: {event.reused} {of}")
        if not event.missing:
            return
        self._jobs, pace, missing = max(1, event.workers), event.pace(), event.missing
        self._weight = {unit.id: pace.seconds(unit, event.effort) for unit in missing}
        self._say(f"{len(missing)} plays; {bought(event.effort, pace, missing, self._jobs)}")
        if pace.total(missing, self._jobs, event.effort) > event.left:
            self._say(
                f"not all of them fit into the {duration(event.left)} that are left; the same "
                "command plays the others later"
            )

    def _advance(self, unit: Unit, result: AttackResult) -> None:
        """Say how a play ended, and how long the rest will take."""
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
        """Estimate the seconds that are left from what the plays so far were estimated and took.

        They are counted from the end of the first, before which workers start. The estimate
        counts as if it had come true for `TRUSTED` of all plays.
        """
        total, first = sum(self._weight.values()), self._weight[self._done[0]]
        done = sum(self._weight[unit] for unit in self._done)
        taken = (time.monotonic() - self._first) * self._jobs
        trusted = TRUSTED * total + first
        return (total - done) / self._jobs * (taken + trusted) / (done - first + trusted)

    def _say(self, text: str) -> None:
        if not self._silent:
            typer.echo(text, err=True)
