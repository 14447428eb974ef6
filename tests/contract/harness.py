"""Play any attack against its game's rigged and fair applications, as the contract tests do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Attacker, Budget, Power, View
from goalkeeper.games.base import Task
from goalkeeper.planning import grants, needs
from goalkeeper.policy import default_policy
from goalkeeper.testing.worlds import worlds_of

AnAttack = type[Attack[Any, Any]]
Kind = Literal["rigged", "fair"]
QUERIES = 2000.0
SHARE = 0.1


def cases() -> Iterator[tuple[str, str, str]]:
    """Every attack x domain x task that the attack says it can play."""
    for name, attack in catalogue().items():
        for domain in sorted(attack.domains & attack.game.domains):
            app = build(attack, domain, "rigged", 0)
            for task in attack.game().tasks(app):
                if attack.covers(task):
                    yield name, domain, task.name


@cache
def build(attack: AnAttack, domain: str, kind: Kind, seed: int) -> Application:
    """The application of this kind; games build it from the seed alone."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7,)))
    worlds = worlds_of(attack.game)
    return worlds.rigged(domain, rng) if kind == "rigged" else worlds.fair(domain, rng)


def task_of(attack: AnAttack, app: Application, name: str) -> Task:
    return next(t for t in attack.game().tasks(app) if t.name == name)


def enough(attack: AnAttack, queries: float = QUERIES, share: float = SHARE) -> Power:
    """Exactly what the attack declares, with spending enough to play."""
    variant = default_policy().variant(attack.variant)
    need = needs(attack, variant)[0]
    budget = Budget(queries=queries, share=share, compute_h=1.0)
    attacker = Attacker(name="enough", power=replace(need, budget=budget))
    granted = grants(attack(), attacker, (need,))
    assert granted, f"{attack.__name__} needs more than {budget}"
    return granted[0]


def contest(
    name: str, domain: str, task: str, kind: Kind, seed: int, granted: Power | None = None
) -> AttackResult:
    """Play once and mark, without the run-time control."""
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
            needs=needs(attack, default_policy().variant(attack.variant)),
        ),
    )


class Counting:
    """A target that counts at its own side."""

    def __init__(self, target: Any) -> None:
        self.target, self.asked = target, 0

    @property
    def offers(self) -> View:
        return View(self.target.offers)

    def answer(self, x: Inputs, view: View) -> Answers:
        self.asked += len(x)
        answers: Answers = self.target.answer(x, view)
        return answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)  # what only some targets offer

    def network(self, count: Any) -> Any:
        def counted(forward: int, backward: int) -> None:
            self.asked += forward
            count(forward, backward)

        return self.target.network(counted)

    def parameters(self) -> Any:
        return self.target.parameters()

    def artefact(self) -> Any:
        return self.target.artefact()
