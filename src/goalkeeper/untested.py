"""Variants of the taxonomy without an attack: whom they concern, and what they leave open.

What goalkeeper cannot test is never forgotten, and must not keep a goal open by itself: it counts
for an attacker as the games of its family would let an attack count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Harm
from goalkeeper.core.power import Attacker
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Game, Task, Unfit
from goalkeeper.policy import Variant


@dataclass(frozen=True, eq=False, kw_only=True)
class Hole:
    """What a variant without an attack leaves open for one attacker."""

    task: Task
    status: Status
    reason: str
    standing: Standing


@dataclass(frozen=True, eq=False, kw_only=True)
class Untested:
    """A variant that has no attack for this application."""

    app: Application
    variant: Variant

    def hole(self, who: Attacker, *, excluded: bool = False) -> Hole | None:
        """Return what is left open for an attacker; None if it cannot mount the variant.

        Its harms are those of the family's tasks that this attacker could mount, and it counts if
        any of these would. Where a checked precondition rules out all of them, or the variant
        concerns other kinds of input, it is not applicable.
        """
        variant = self.variant
        if all(who.power.lacks(need) for need in variant.powers):
            return None
        within = [(g, t, u) for g, t, u in self._tasks if not who.lacks_inputs(t.writes)]
        harms = tuple(h for h in variant.harms if h in _harms(within))
        if self._tasks and not harms:
            return None
        task = Task(
            name=variant.id,
            harms=harms or variant.harms,
            metric=variant.metric,
            sentence=variant.id,
        )
        status, reason = self._status([unfit for *_, unfit in within], excluded=excluded)
        standing = self._standing(who, within)
        reason = reason if standing.decides else f"{reason}; {standing.reason}"
        return Hole(task=task, status=status, reason=reason, standing=standing)

    @cached_property
    def _tasks(self) -> list[tuple[Game[Any, Any, Any], Task, Unfit | None]]:
        """List the tasks of the family's games that show a harm of this variant."""
        return [
            (game, task, game.unfit(self.app, task))
            for game in self._games()
            for task in game.tasks(self.app)
            if set(task.harms) & set(self.variant.harms)
        ]

    def _games(self) -> Iterator[Game[Any, Any, Any]]:
        kind = self.app.domain.kind
        found = {
            attack.game
            for attack in catalogue().values()
            if attack.game.family == self.variant.family and kind in attack.game.domains
        }
        yield from (game() for game in sorted(found, key=lambda game: game.name))

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the application has inputs of another kind than the variant is about."""
        return bool(self.variant.inputs) and self.app.domain.kind not in self.variant.inputs

    def _status(self, unfit: Iterable[Unfit | None], *, excluded: bool) -> tuple[Status, str]:
        kind, variant, refused = self.app.domain.kind, self.variant, list(unfit)
        if self._is_elsewhere and variant.elsewhere is None:
            return Status.NOT_APPLICABLE, f"applies only to {', '.join(variant.inputs)} inputs"
        proven = [u.reason for u in refused if u is not None and u.proven]
        if refused and len(proven) == len(refused):
            return Status.NOT_APPLICABLE, proven[0]
        if excluded:
            return Status.EXCLUDED, "excluded by --attack"
        return (
            Status.NOT_TESTED,
            f"goalkeeper has no attack of this variant for {kind} inputs yet",
        )

    def _standing(
        self, who: Attacker, tasks: Iterable[tuple[Game[Any, Any, Any], Task, Unfit | None]]
    ) -> Standing:
        if self._is_elsewhere and self.variant.elsewhere is not None:
            return self.variant.elsewhere
        if not self.variant.standing.decides:
            return self.variant.standing
        found = [game.standing(self.app, task, who) for game, task, _ in tasks]
        return DECIDES if any(s.decides for s in found) or not found else found[0]


def _harms(tasks: Iterable[tuple[Game[Any, Any, Any], Task, Unfit | None]]) -> set[Harm]:
    return {harm for _, task, _ in tasks for harm in task.harms}
