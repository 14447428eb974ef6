"""Small filters, questions and doors for the evasion tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Inputs, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Power, View
from goalkeeper.core.text import texts
from goalkeeper.games.base import Deal, Task
from goalkeeper.games.evasion import Evasion, EvasionQuestion, Submission
from goalkeeper.games.evasion.parts import CleanState
from goalkeeper.testing.worlds import evasion
from tests.contract.harness import enough

GAME = Evasion(n=50)


class Rule:
    """A target that answers each text by a function of it."""

    def __init__(self, rule: Callable[[str], int]) -> None:
        self.rule, self.asked = rule, 0

    @property
    def offers(self) -> View:
        return View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        self.asked += len(x)
        return Answers(np.array([self.rule(text) for text in x], dtype=np.int64))

    def parameters(self) -> Any:
        raise NotOffered("a rule has no parameters")

    def artefact(self) -> Path:
        raise NotOffered("a rule has no file")


def weak(seed: int = 0) -> Application:
    return evasion.rigged("text", np.random.default_rng(seed))


def ruled(rule: Callable[[str], int]) -> Application:
    return replace(weak(), target=Rule(rule))


def task_of(app: Application, name: str) -> Task:
    return next(t for t in GAME.tasks(app) if t.name == name)


def dealt(app: Application, task: str, game: Evasion = GAME) -> Deal[EvasionQuestion, CleanState]:
    return game.deal(app, task_of(app, task), np.random.default_rng(3))


def opened(app: Application, granted: Power, campaigns: int, seed: int = 5) -> Access:
    terms = Terms(
        granted=granted,
        rng=np.random.default_rng(seed),
        victim=np.random.SeedSequence(6),
        campaigns=campaigns,
    )
    return Access(app, terms)


def attacked(
    attack: Attack[EvasionQuestion, Submission],
    app: Application,
    question: EvasionQuestion,
    queries: float,
) -> tuple[Submission, Access]:
    access = opened(app, enough(type(attack), queries=queries), len(question.x))
    answer = attack.run(question, access)
    access.checkpoint(answer)
    return answer, access


def part(question: EvasionQuestion, rows: Sequence[int] | Ints) -> EvasionQuestion:
    chosen = np.asarray(rows, dtype=np.int64)
    return replace(
        question, x=question.x[chosen], y=question.y[chosen], goal=question.goal.take(chosen)
    )


def asking(x: Sequence[str], wanted: int, most_words: int = 1000) -> EvasionQuestion:
    """A question about texts of class 1 - wanted, out of two."""
    from goalkeeper.games.evasion import AdditionConstraint, AdversarialGoal

    goal = np.zeros((len(x), 2), dtype=bool)
    goal[:, wanted] = True
    constraint = AdditionConstraint(most_words=most_words, max_chars=100_000)
    return EvasionQuestion(
        x=texts(x), y=np.full(len(x), 1 - wanted), goal=AdversarialGoal(goal), constraint=constraint
    )
