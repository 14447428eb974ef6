"""Run an attack against the worlds of its game: one deal, one answer, one mark, no control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import name_of
from goalkeeper.attacks.base import Attack
from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Inputs
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Attacker, Budget, Power, View
from goalkeeper.games.base import Game, Task, resize
from goalkeeper.planning import grants, needs, refusal, view_refusal
from goalkeeper.policy import default_policy
from goalkeeper.testing.worlds import GameWorlds, build_rigged

AnAttack = type[Attack[Any, Any]]
AGame = type[Game[Any, Any, Any]]
QUERIES = 2000.0
SHARE = 0.1
SMALL = 0.25  # effort in fair games, of attacks that say what grows with it


@dataclass(frozen=True, slots=True)
class AttackCase:
    """A kind of input, and the name of one task."""

    domain: str
    task: str


def seeded(seed: int) -> np.random.Generator:
    """Return the random stream of the world of this number."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7,)))


def task_of(game: AGame, app: Application, name: str) -> Task:
    """Find a task by its name."""
    return next(task for task in game().tasks(app) if task.name == name)


def cases(attack: AnAttack, worlds: GameWorlds) -> Iterator[AttackCase]:
    """List every kind of input x task that an attack says it can be run on."""
    for domain in sorted(attack.domains & attack.game.domains):
        app = worlds.rigged(domain, seeded(0))
        for task in attack.game().tasks(app):
            if attack.covers(task):
                yield AttackCase(domain, task.name)


def alternatives(attack: AnAttack) -> tuple[Power, ...]:
    """List the powers of which any one suffices for an attack."""
    return needs(attack, default_policy().variant(attack.variant))


def enough(attack: AnAttack, queries: float = QUERIES, share: float = SHARE) -> Power:
    """Return exactly what the attack declares, with enough to spend.

    Raises
    ------
    ValueError
        The attack needs to spend more than this.
    """
    need = alternatives(attack)[0]
    budget = Budget(queries=queries, share=share, compute_h=1.0)
    attacker = Attacker(name="enough", power=replace(need, budget=budget))
    granted = grants(attack(), attacker, (need,))
    if not granted:
        raise ValueError(f"{attack.__name__} needs to spend more than {budget}")
    return granted[0]


def usable(attack: AnAttack) -> tuple[Power, ...]:
    """Return the grants of an attacker who has all that the attack can use: the least, and all."""
    need = alternatives(attack)[0]
    budget = Budget(queries=QUERIES, share=SHARE, compute_h=1.0)
    attacker = Attacker(name="able", power=replace(need.joined(attack.uses), budget=budget))
    return grants(attack(), attacker, (need,))


@dataclass(frozen=True, eq=False)
class Arena:
    """An attack, and the worlds it is run against.

    `small` are settings of the attack in fair games. What was found in the rigged world is kept,
    as several checks need it.
    """

    attack: AnAttack
    worlds: GameWorlds
    small: Mapping[str, Any] = field(default_factory=dict)
    _found: dict[AttackCase, AttackResult] = field(default_factory=dict)

    def rigged(self, case: AttackCase) -> AttackResult:
        """Return the result in the rigged world; it is run once."""
        if case not in self._found:
            self._found[case] = self.rigged_again(case)
        return self._found[case]

    def rigged_again(self, case: AttackCase) -> AttackResult:
        """Run in the rigged world again."""
        app = build_rigged(self.worlds, self.attack.variant, case.domain, seeded(0))
        return self._run(app, case, self.attack(), 0)

    def fair(self, case: AttackCase, seed: int) -> AttackResult:
        """Run once in the fair world of a number, with small settings."""
        app = self.worlds.fair(case.domain, seeded(seed))
        attack = replace(resize(self.attack(), SMALL), **self.small)
        return self._run(app, case, attack, seed)

    def poorer(self, case: AttackCase) -> Iterator[tuple[str, Application]]:
        """Yield the rigged application with less to offer, and what is left of it in words."""
        app = build_rigged(self.worlds, self.attack.variant, case.domain, seeded(0))
        yield "no recipe", replace(app, trainer=None, lookalike=None)
        bare = replace(app, trainer=None, lookalike=None, storage=None)
        for view in (View.SCORES, View.LABELS):
            seen = min(view, app.target.offers)
            target = AnswersOnly(app.target, seen)
            yield f"a function that gives {seen.name.lower()}", replace(bare, target=target)

    def run_what_is_planned(self, app: Application, case: AttackCase) -> None:
        """Run with small settings, for every grant; not what the plan refuses."""
        attack = replace(resize(self.attack(), SMALL), **self.small)
        if all(task.name != case.task for task in self.attack.game().tasks(app)):
            return  # what is asked depends on what the application has
        if refusal(app, attack, task_of(self.attack.game, app, case.task)):
            return
        for granted in usable(self.attack):
            if not view_refusal(app, granted):
                self._run(app, case, attack, 0, granted)

    def _run(
        self,
        app: Application,
        case: AttackCase,
        attack: Attack[Any, Any],
        seed: int,
        granted: Power | None = None,
    ) -> AttackResult:
        run = AttackRun(
            attack=attack,
            game=self.attack.game().smaller(),
            task=task_of(self.attack.game, app, case.task),
            granted=granted or enough(self.attack),
            seed=seed,
            needs=alternatives(self.attack),
        )
        return evaluate(app, run)

    @property
    def name(self) -> str:
        """The name under which the attack is listed."""
        return name_of(self.attack)


def stable(result: AttackResult) -> dict[str, Any]:
    """Return everything of a result but measured times."""
    content = result.model_dump(mode="json")
    content["cost"].pop("seconds")
    content.pop("took")
    for trial in content["trials"]:
        trial.pop("compute_h")
    return content


@dataclass(frozen=True, eq=False, slots=True)
class AnswersOnly:
    """Answers as another target does, and shows nothing else of it: a plain function."""

    target: Target
    offers: View

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        return self.target.answer(x, min(view, self.offers)).cut(self.offers)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse."""
        raise NotOffered("a function has no parameters that can be read")

    def artefact(self) -> Path:
        """Refuse."""
        raise NotOffered("a function has no stored file")


class CountingTarget:
    """A target that counts at its own side what it is asked."""

    def __init__(self, target: Target) -> None:
        self.target: Any = target
        self.asked = 0

    @property
    def offers(self) -> View:
        """What the target offers."""
        return View(self.target.offers)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Count, and answer."""
        self.asked += len(x)
        answers: Answers = self.target.answer(x, view)
        return answers

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return the target's network, whose forward passes are counted as well."""

        def counted(forward: int, backward: int) -> None:
            self.asked += forward
            count(forward, backward)

        return self.target.network(counted)

    def parameters(self) -> Any:
        """Return the target's parameters."""
        return self.target.parameters()

    def artefact(self) -> Any:
        """Return the target's file."""
        return self.target.artefact()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)  # what only some targets offer
