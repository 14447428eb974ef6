"""What the games about the surrounding system share in their tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from goalkeeper.attack_run import AnyAttack, AnyGame, AttackRun, evaluate
from goalkeeper.core.application import Application, Wiring
from goalkeeper.core.evidence import AttackResult, Proportion
from goalkeeper.testing.worlds.readings import ReadingTarget, reading_application
from tests.contract.harness import enough, task_of

REACTIONS = {"harmless": "inbox", "harmful": "spam folder"}


def wired_mail(careless: float = 0.0, kind: str = "table", **wiring: Any) -> Application:
    made = reading_application(
        "mail", kind, ReadingTarget(careless=careless), np.random.default_rng(5)
    )
    return replace(made, wiring=Wiring(**{"reactions": REACTIONS, "channel": "none", **wiring}))


def result_of(
    attack: AnyAttack,
    mail: Application,
    task: str,
    game: AnyGame | None = None,
    seed: int = 0,
) -> AttackResult:
    run = AttackRun(
        attack=attack,
        game=game or type(attack).game(),
        task=task_of(type(attack), mail, task),
        granted=enough(type(attack)),
        seed=seed,
    )
    return evaluate(mail, run)


def counts(found: AttackResult) -> Proportion:
    tally = found.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally
