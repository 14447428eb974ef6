"""Attacks that play whatever a test says, and what they are played with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attack_run import AnyAttack, AttackRun, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.evidence import Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion
from tests.contract.harness import build, task_of

T1, T2, T3, T4 = Capability.T1, Capability.T2, Capability.T3, Capability.T4
KINDS = ("text", "table", "image")
Plays = Callable[[PoisoningQuestion, Access], Any]


@final
@dataclass(frozen=True, kw_only=True)
class Does(Attack[PoisoningQuestion, Contribution]):
    """Play whatever a test says."""

    game: ClassVar = Poisoning
    variant: ClassVar[str] = "poisoning.insert_labelled"
    reference: ClassVar[str] = "none"

    how: Plays = field(repr=False)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        answer: Contribution = self.how(question, access)
        return answer


def app_of(domain: str, *, kind: Any = "rigged") -> Application:
    return build(LabelFlips, domain, kind, 0)


def power(cells: Capability, share: float = 0.1, data: Grade = Grade.PARTIAL) -> Power:
    return Power(knowledge=Knowledge(data=data), capabilities=cells, budget=Budget(share=share))


def run_of(
    attack: AnyAttack, app: Application, granted: Power, *, task: str = "", game: Any = None
) -> AttackRun:
    named = task or Poisoning().tasks(app)[0].name
    return AttackRun(
        attack=attack,
        game=game or Poisoning(),
        task=task_of(Does, app, named),
        granted=granted,
        seed=3,
    )


def refused(how: Plays, granted: Power, *, domain: str = "text", task: str = "") -> str:
    """Play through the runner; the attack must fail visibly, with no trial to its name."""
    app = app_of(domain)
    result = execute(app, run_of(Does(how=how), app, granted, task=task))
    assert result.status is Status.FAILED_TO_RUN
    assert not result.trials
    assert result.reason.startswith("ChangeRefused: ")
    return result.reason


def spam(access: Access, count: int) -> Data:
    data = access.data()
    return data.take(np.resize(np.flatnonzero(data.y == 1), count))
