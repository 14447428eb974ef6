"""What every attack owes the framework; a new attack inherits these tests."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.errors import BudgetSpent
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Attacker, Power
from goalkeeper.games.tallies import won
from goalkeeper.planning import grants, needs
from goalkeeper.policy import default_policy
from tests.contract.harness import AnAttack, Counting, build, cases, contest, enough, task_of

ATTACKS = catalogue()
CASES = list(cases())
FAIR_GAMES = 20

each_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
each_case = pytest.mark.parametrize(
    ("name", "domain", "task"), CASES, ids=["-".join(c) for c in CASES]
)


def stable(result: AttackResult) -> dict[str, Any]:
    """Everything but measured times."""
    content = result.model_dump(mode="json")
    content["cost"].pop("seconds")
    content.pop("took")
    for trial in content["trials"]:
        trial.pop("compute_h")
    return content


@each_attack
def test_describes_itself(attack: AnAttack) -> None:
    assert attack.__doc__
    assert attack.reference
    assert getattr(attack, "__final__", False), "mark the class @final"
    assert attack.__dataclass_params__.frozen  # type: ignore[attr-defined]
    attack()  # every setting has a default
    variant = default_policy().variant(attack.variant)
    assert variant.family == attack.game.family


@each_case
def test_wins_the_rigged_game(name: str, domain: str, task: str) -> None:
    result = contest(name, domain, task, "rigged", 0)
    assert any(won(trial.tally) for trial in result.trials), result.summary


@each_case
def test_does_not_win_the_fair_game(name: str, domain: str, task: str) -> None:
    """One-sided at 2.5 %, 20 fair games see 4 or more wins with probability < 0.002."""
    wins = 0
    for seed in range(FAIR_GAMES):
        result = contest(name, domain, task, "fair", seed)
        wins += bool(result.trials) and won(result.trials[-1].tally)
    assert wins <= 3


@each_case
def test_same_seed_same_evidence(name: str, domain: str, task: str) -> None:
    first, second = (contest(name, domain, task, "rigged", 0) for _ in "ab")
    assert stable(first) == stable(second)


@each_attack
def test_is_out_of_reach_of_a_powerless_attacker(attack: AnAttack) -> None:
    alternatives = needs(attack, default_policy().variant(attack.variant))
    nobody = Attacker(name="nobody", power=Power())
    assert grants(attack(), nobody, alternatives) == ()


@each_case
def test_never_exceeds_its_budget(name: str, domain: str, task: str) -> None:
    """The attacker's counter and the target's agree, and neither passes the budget."""
    attack = ATTACKS[name]
    app = build(attack, domain, "rigged", 0)
    least = min(p.budget.queries for p in needs(attack, default_policy().variant(attack.variant)))
    granted = enough(attack, queries=max(least, 25.0))
    counting = Counting(app.target)
    watched = replace(app, target=counting)
    game = attack.game().smaller()
    dealt = game.deal(watched, task_of(attack, watched, task), np.random.default_rng(0))
    counting.asked = 0
    victims = tuple(Counting(victim) for victim in dealt.victims)
    terms = Terms(
        granted=granted,
        rng=np.random.default_rng(1),
        victim=np.random.SeedSequence(2),
        campaigns=dealt.campaigns,
        withheld=dealt.withheld,
        victims=victims,
    )
    access = Access(watched, terms)
    with suppress(BudgetSpent):
        attack().run(dealt.question, access)
    spent = access.spent  # an attacker who owns a copy of the model asks that
    asked = counting.asked + sum(victim.asked for victim in victims)
    assert spent.queries + spent.forward == asked
    assert spent.queries <= granted.budget.queries * dealt.campaigns
