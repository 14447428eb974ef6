"""The catalogued attacks against the worlds of their games, for tests of attacks and games."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Power
from goalkeeper.games.base import Task
from goalkeeper.testing import arena, worlds_of
from goalkeeper.testing.arena import AGame, AnAttack, alternatives, enough, seeded, usable
from goalkeeper.testing.worlds import GameWorlds, build_rigged

Kind = Literal["rigged", "fair"]
KEPT = 64  # fair worlds: those of a game, while its attacks are checked one after the other

__all__ = ["AnAttack", "KeptWorlds", "build", "cases", "contest", "enough", "task_of", "usable"]


class KeptWorlds:
    """The worlds of a game, whose fair ones are built once for all its attacks: they train models.

    No attack can change an application, as `tests/test_isolation.py` shows. Rigged worlds are
    built anew each time: that a run repeats itself must not rest on what a world remembers.
    """

    def __init__(self, worlds: GameWorlds) -> None:
        self._worlds: Any = worlds  # a module, mostly: hashable, which the protocol cannot say

    def fair(self, domain: str, rng: np.random.Generator) -> Application:
        return _fair(self._worlds, domain, _Stream(rng))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._worlds, name)


class _Stream:
    """A random stream, as the key of what is drawn from it: equal if its numbers are."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self._state = rng, str(rng.bit_generator.state)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Stream) and other._state == self._state

    def __hash__(self) -> int:
        return hash(self._state)


@lru_cache(KEPT)
def _fair(worlds: Any, domain: str, stream: _Stream) -> Application:
    app: Application = worlds.fair(domain, stream.rng)
    return app


def cases(game: AGame) -> Iterator[tuple[str, str, str]]:
    """Every attack of a game x domain x task that the attack says it can be run on."""
    for name, attack in catalogue().items():
        if attack.game is game:
            for case in arena.cases(attack, worlds_of(game)):
                yield name, case.domain, case.task


@cache
def build(attack: AnAttack, domain: str, kind: Kind, seed: int) -> Application:
    """The application of this kind; games build it from the seed alone."""
    worlds = worlds_of(attack.game)
    if kind == "rigged":
        return build_rigged(worlds, attack.variant, domain, seeded(seed))
    return worlds.fair(domain, seeded(seed))


def task_of(attack: AnAttack, app: Application, name: str) -> Task:
    return arena.task_of(attack.game, app, name)


def contest(
    name: str, domain: str, task: str, kind: Kind, seed: int, granted: Power | None = None
) -> AttackResult:
    """Run once and mark, without the run-time control."""
    attack = catalogue()[name]
    app = build(attack, domain, kind, seed)
    return evaluate(
        app,
        AttackRun(
            attack=attack(),
            game=attack.game().smaller(),
            task=task_of(attack, app, task),
            granted=granted or enough(attack),
            seed=seed,
            needs=alternatives(attack),
        ),
    )
