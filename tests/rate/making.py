"""Evidence made by hand or at random, and its rating."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from goalkeeper.core.assessment import GoalRating
from goalkeeper.core.evidence import (
    AttackResult,
    Evidence,
    Proportion,
    Requirement,
    Status,
    Tally,
    Trial,
)
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.policy import default_policy
from goalkeeper.rate import rate_evidence, rate_goal

POLICY = default_policy()
RULES = POLICY.rating
SECRECY = RULES.default_secrecy
KINDS = {"proportion": "success_rate", "gain": "normalised_gain", "ratio": "likelihood_ratio"}
KINDS |= {"accuracy": "distinguishing_accuracy", "damage": "tolerance_multiple"}
ASPECTS = ("data", "algorithm", "model")


def stream(seed: int) -> random.Random:
    """A random stream of its own."""
    return random.Random(seed)  # noqa: S311 - nothing is secret here


def requires(attacker: str = "outsider", *, expertise: str = "layman", **known: str) -> Requirement:
    who = POLICY.attackers[attacker]
    return Requirement(
        knowledge={aspect: known.get(aspect, "none") for aspect in ASPECTS},
        expertise=expertise,
        equipment="standard",
        window=who.window,
        queries_per_day=who.power.budget.queries_per_day,
        identities=who.power.budget.identities,
    )


def trial(tally: Tally, *, queries: float = 0, hours: float = 1, verified: int = 0) -> Trial:
    return Trial(budget=queries, queries=queries, compute_h=hours, tally=tally, verified=verified)


def of(successes: int, n: int) -> Proportion:
    """Successes beside a control that never succeeded in a large sample."""
    return Proportion(successes=successes, n=n, baseline_successes=0, baseline_n=10**7)


def evidence(
    *trials: Trial,
    name: str = "good_words",
    attacker: str = "outsider",
    goals: Sequence[Goal] = (Goal.INTEGRITY,),
    status: Status = Status.TESTED,
    needs: Requirement | None = None,
    variant: str = "evasion.good_words",
) -> Evidence:
    kind = trials[0].tally.kind if trials else "proportion"
    return Evidence(
        id=f"E-{name}-{attacker}",
        attack=name,
        task="harmful-passes",
        game="evasion",
        family=variant.partition(".")[0],
        variant=variant,
        attacker=attacker,
        box="black",
        goals=tuple(goals),
        metric=KINDS[kind],
        unit=f"U-{name}",
        requires=needs or requires(attacker),
        result=AttackResult(status=status, trials=trials, reason="" if trials else "no time"),
    )


def need_of(level: int, goal: Goal = Goal.INTEGRITY) -> ProtectionNeed:
    return ProtectionNeed(goal=goal, level=level)


def rated(level: int, *found: Evidence, hypotheses: int = 1) -> GoalRating:
    return rate_goal(Goal.INTEGRITY, need_of(level), found, POLICY, SECRECY, hypotheses)


# What the method's reference knows; attack runs that were not made for a reason have tests apart.
KNOWN: list[Status] = [
    status for status in Status if status not in (Status.COVERED, Status.NOT_NEEDED)
]


def random_evidence(rnd: random.Random, index: int) -> Evidence:
    attacker = rnd.choice(list(POLICY.attackers))
    known = {aspect: rnd.choice(["none", "partial", "full"]) for aspect in ASPECTS}
    expertise = rnd.choice(list(RULES.attack_potential.expertise))
    needs = requires(attacker, expertise=expertise, **known)
    status = rnd.choice([Status.TESTED] * 4 + KNOWN)
    n = rnd.choice([20, 100, 400])
    budgets = sorted(rnd.sample([0, 10, 100, 1000, 10000], rnd.randint(1, 3)))
    trials = [
        trial(
            of(rnd.choice([0, 1, n // 20, n // 5, n // 2]), n),
            queries=budget,
            hours=rnd.choice([0.1, 1, 50, 900]),
            verified=rnd.choice([0, 0, 1]),
        )
        for budget in budgets
    ]
    if status not in (Status.TESTED, Status.CONTROL_FAILED):
        trials = []
    return evidence(*trials, name=f"a{index}", attacker=attacker, needs=needs, status=status)


def rated_one(one: Evidence, need: int = 1, hypotheses: int = 1) -> Any:
    return rate_evidence(one, need, POLICY, SECRECY, hypotheses=hypotheses)
