"""Let poisoning attacks answer, and have their answers marked."""

from __future__ import annotations

import numpy as np

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning
from tests.contract.harness import build, enough


def app_of(domain: str = "text") -> Application:
    return build(LabelFlips, domain, "rigged", 0)


def knowing(cell: Capability, share: float = 0.1) -> Power:
    """A contributor who knows all of the training data."""
    full = Knowledge(data=Grade.FULL)
    return Power(knowledge=full, capabilities=cell, budget=Budget(share=share))


def answers_of(
    attack: AnyAttack,
    app: Application,
    granted: Power | None = None,
    *,
    game: Poisoning | None = None,
) -> tuple[Access, list[Contribution]]:
    """Return every contribution, smallest first, and the access it went through."""
    game = game or Poisoning()
    task = next(t for t in game.tasks(app) if attack.covers(t))
    dealt = game.deal(app, task, np.random.default_rng(0))
    terms = Terms(
        granted=granted or enough(type(attack)),
        rng=np.random.default_rng(1),
        victim=np.random.SeedSequence(2),
    )
    access = Access(app, terms)
    access.checkpoint(attack.run(dealt.question, access))
    return access, [c.answer for c in access.checkpoints]


def handed_in(
    attack: AnyAttack, domain: str = "text", granted: Power | None = None
) -> tuple[Application, Access, list[Contribution]]:
    """Let the attack answer on the rigged application of a domain."""
    app = app_of(domain)
    return app, *answers_of(attack, app, granted)


def result_of(
    attack: AnyAttack,
    app: Application | str = "text",
    granted: Power | None = None,
    *,
    share: float = 0.1,
    game: Poisoning | None = None,
) -> AttackResult:
    """Play and mark, on an application or on the rigged one of a domain."""
    app = app_of(app) if isinstance(app, str) else app
    game = game or Poisoning()
    task = next(t for t in game.tasks(app) if attack.covers(t))
    granted = granted or enough(type(attack), share=share)
    return evaluate(app, AttackRun(attack=attack, game=game, task=task, granted=granted, seed=0))
