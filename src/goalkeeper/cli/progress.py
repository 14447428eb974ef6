"""What is said while a run goes on: one line a play, on standard error."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from goalkeeper.assessing import Session
    from goalkeeper.core.evidence import Played


class Progress:
    """Counts plays, and estimates how long the rest will take."""

    def __init__(self, session: Session, *, silent: bool) -> None:
        self._session, self._silent = session, silent
        self._units = {unit.id: unit for unit in session.plan.units}
        self._weight: dict[str, float] = {}
        self._done: list[str] = []
        self._begin = time.monotonic()

    def have(self, kept: int, taken: int) -> None:
        """Say how many plays the folder and the store hold."""
        of = f"of {len(self._units)} plays"
        if kept:
            self._say(f"resuming: {kept} {of} are already there")
        if taken:
            self._say(f"taken from the store: {taken} {of}")

    def start(self, played: Mapping[str, Played]) -> None:
        """Say how much there is to do."""
        from goalkeeper.estimate import measure

        missing = [unit for unit in self._units.values() if unit.id not in played]
        if not missing:
            return
        pace = measure(self._session.app, train=any(u.estimate.models for u in missing))
        self._weight = {unit.id: pace.seconds(unit) for unit in missing}
        self._begin = time.monotonic()
        total = sum(self._weight.values())
        self._say(f"{len(missing)} plays, about {total:.0f} s of computing")

    def advance(self, unit: str, result: Played) -> None:
        """Say how a play ended, and how long the rest will take."""
        self._done.append(unit)
        share = sum(self._weight[u] for u in self._done) / sum(self._weight.values())
        left = (time.monotonic() - self._begin) * (1 - share) / share
        name = f"{self._units[unit].attack} / {self._units[unit].round.task.name}"
        self._say(
            f"[{len(self._done)}/{len(self._weight)}] {name}: "
            f"{result.status.value.replace('_', ' ')}"
            f"{' - ' + result.summary if result.summary else ''} (about {left:.0f} s left)"
        )

    def warn(self, text: str) -> None:
        """Say what a silent run says, too."""
        typer.echo(f"warning: {text}", err=True)

    def _say(self, text: str) -> None:
        if not self._silent:
            typer.echo(text, err=True)
