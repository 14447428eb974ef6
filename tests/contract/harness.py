"""The catalogued attacks against the worlds of their games, for tests of attacks and games."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Power
from goalkeeper.games.base import Task
from goalkeeper.testing import arena, worlds_of
from goalkeeper.testing.arena import AnAttack, alternatives, enough, seeded, usable
from goalkeeper.testing.worlds import build_rigged

Kind = Literal["rigged", "fair"]

__all__ = ["AnAttack", "build", "cases", "contest", "enough", "task_of", "usable"]


def cases() -> Iterator[tuple[str, str, str]]:
    """Every attack x domain x task that the attack says it can be run on."""
    for name, attack in catalogue().items():
        for case in arena.cases(attack, worlds_of(attack.game)):
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
