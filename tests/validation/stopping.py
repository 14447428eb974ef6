"""Verdicts of runs that stop when they are settled: how often they are wrong.

Audits are simulated with the agenda of real runs: each of several attacks has a true success rate,
a first look at 50 inputs and, if that settles nothing, a second at 200, of which the 50 are a part.
The run stops as soon as the verdict is settled. A wrong "not met" and a wrong "met" must each be as
rare as the policy's alpha, at the worst of truths: every attack exactly at the critical level (it
is reached only above it), and one attack there beside others that never succeed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.planning.evidence import build_evidence
from goalkeeper.rate import rate_goal
from tests.scheduling.making import (
    POLICY,
    SECRECY,
    Case,
    agenda_of,
    plan_of,
    result_of,
)
from tests.validation.rows import Finding, Row

FIRST, ALL = 50, 200
ATTACKS = 8
RARE = 1e-3  # chance that a row fails although the error is what it must be
AUDITS, FEW = 10_000, 100


def audit(rates: Sequence[float], need: int, rng: np.random.Generator) -> tuple[Verdict, int]:
    """Run one simulated audit; return its verdict, and how many inputs were attacked."""
    needs = {Goal.INTEGRITY: need}
    cases = [Case(name=f"a{i}", seconds=10.0 + i) for i in range(len(rates))]
    agenda, asked = agenda_of(cases, needs), 0
    wins = rng.random((len(rates), ALL)) < np.asarray(rates)[:, None]
    results: dict[str, AttackResult] = {}
    while pending := agenda.follow(results).pending:
        name, _, effort = pending[0].id.rpartition("-")
        n = FIRST if effort == "0.25" else ALL
        results[pending[0].id] = result_of(int(wins[int(name[1:]), :n].sum()), n)
        asked += n
    return _rate(cases, need, agenda.follow(results).counted), asked


def _rate(cases: Sequence[Case], need: int, counted: Mapping[str, AttackResult]) -> Verdict:
    """Rate the last look at each attack run."""
    plan, evidence = plan_of(cases), []
    for entry in plan.entries:
        looks = [look for look in (entry.unit, entry.interim) if look and look.id in counted]
        evidence += [build_evidence(entry, counted[k.id], seed=0, look=k) for k in looks[:1]]
    tests = plan.hypotheses()[Goal.INTEGRITY]
    rating = rate_goal(
        Goal.INTEGRITY,
        ProtectionNeed(goal=Goal.INTEGRITY, level=need),
        evidence,
        POLICY,
        SECRECY,
        tests,
    )
    return rating.verdict


@dataclass(frozen=True)
class Stopping:
    """Count one verdict where it is wrong."""

    wrong: Verdict
    need: int
    at_edge: int  # attacks whose true rate is the lower edge of the critical level; others: 0

    def __call__(self, audits: int, rng: np.random.Generator) -> Finding:
        """Simulate audits, and hold the wrong verdicts against the binomial law."""
        edges = POLICY.rating.metrics["success_rate"].edges
        edge = edges[POLICY.rating.critical_level[self.need] - 1]
        rates = [edge] * self.at_edge + [0.0] * (ATTACKS - self.at_edge)
        found = [audit(rates, self.need, rng) for _ in range(audits)]
        wrong = sum(verdict is self.wrong for verdict, _ in found)
        saved = 1 - np.mean([asked for _, asked in found]) / (ATTACKS * ALL)
        return Finding(
            measured=f"wrong in {wrong / audits:.2%}; {saved:.0%} of the inputs of full samples "
            "were not attacked",
            cases=audits,
            passed=wrong <= int(binom.isf(RARE, audits, POLICY.rating.alpha)),
        )


ROWS = tuple(
    Row(
        section="Runs that stop when a verdict is settled",
        name=f"{verdict.value.replace('_', ' ')}, need {need}, {at_edge} of {ATTACKS} attacks "
        "at the critical level",
        claim="wrong in at most 5 %",
        measure=Stopping(verdict, need, at_edge),
        full=AUDITS,
        short=FEW if need == 1 else 0,
        about=("src/goalkeeper/scheduling", "src/goalkeeper/rate", "src/goalkeeper/stats"),
    )
    for verdict, at_edge in ((Verdict.NOT_MET, ATTACKS), (Verdict.MET, 1))
    for need in (1, 2, 3)
)
