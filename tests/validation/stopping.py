"""Verdicts of runs that stop when they are settled: how often they are wrong.

Audits are simulated with the agenda of real runs: each of several attacks has a true success rate,
a first look at a quarter of the inputs and, if that settles nothing, a second at all of them.
The run stops as soon as the verdict is settled. A wrong "not met" and a wrong "met" must each be as
rare as the policy's alpha, at the worst of truths: every attack exactly at the critical level (it
is reached only above it), and one attack there beside others that never succeed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import binom

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.estimate import OperationTimes
from goalkeeper.planning import Plan
from goalkeeper.planning.evidence import build_evidence
from goalkeeper.rate import rate_goal
from goalkeeper.scheduling import Agenda, Stakes
from goalkeeper.scheduling.agenda import RunLook
from tests.scheduling.making import (
    POLICY,
    SECRECY,
    Case,
    plan_of,
    result_of,
    stakes_of,
    times_of,
)
from tests.validation.rows import Finding, Row

ATTACKS = 8
SIZES = {1: 200, 2: 200, 3: 800}  # inputs, by need: enough that "met" is within reach
RARE = 1e-3  # chance that a row fails although the error is what it must be
AUDITS, FEW = 10_000, 100


class Remembering(Agenda):
    """An agenda that is followed in many audits: what a result settles is found out once."""

    def __init__(self, plan: Plan, stakes: Stakes, times: OperationTimes) -> None:
        super().__init__(plan, stakes, times, seed=0)
        self._settled_by: dict[tuple[str, Goal, int], Any] = {}

    def _settle(self, step: RunLook, result: AttackResult, goal: Goal) -> Any:
        key = (step.unit.id, goal, id(result))  # results are kept, so that each id stays its own
        if key not in self._settled_by:
            self._settled_by[key] = super()._settle(step, result, goal)
        return self._settled_by[key]


class Simulation:
    """Audits of one plan: the agenda is made once, and equal counts are the same result."""

    def __init__(self, need: int, size: int, attacks: int = ATTACKS) -> None:
        cases = [Case(name=f"a{i}", seconds=10.0 + i) for i in range(attacks)]
        stakes = stakes_of({Goal.INTEGRITY: need})
        self._need = ProtectionNeed(goal=Goal.INTEGRITY, level=need)
        self._size, self._plan = size, plan_of(cases)
        self._agenda = Remembering(self._plan, stakes, times_of(cases))
        self._tests = self._plan.hypotheses()[Goal.INTEGRITY]
        self._result, self._verdict = cache(result_of), cache(self._rate)

    def audit(self, rates: Sequence[float], rng: np.random.Generator) -> tuple[Verdict, int]:
        """Run one audit; return its verdict, and how many inputs were attacked."""
        wins = rng.random((len(rates), self._size)) < np.asarray(rates)[:, None]
        results: dict[str, AttackResult] = {}
        counts: dict[str, tuple[int, int]] = {}
        while pending := self._agenda.follow(results).pending:
            name, _, effort = pending[0].id.rpartition("-")
            n = round(float(effort) * self._size)
            counts[pending[0].id] = int(wins[int(name[1:]), :n].sum()), n
            results[pending[0].id] = self._result(*counts[pending[0].id])
        last = self._agenda.follow(results).counted
        looks = ((entry.unit, entry.interim) for entry in self._plan.entries)
        seen = [next((k for k in both if k and k.id in last), None) for both in looks]
        verdict = self._verdict(*(counts[look.id] if look else None for look in seen))
        return verdict, sum(n for _, n in counts.values())

    def _rate(self, *counts: tuple[int, int] | None) -> Verdict:
        """Rate the last look at each attack run, by its successes and its size."""
        evidence = []
        for entry, seen in zip(self._plan.entries, counts, strict=True):
            if seen is not None:
                look = entry.unit if seen[1] == self._size else entry.interim
                evidence.append(build_evidence(entry, self._result(*seen), seed=0, look=look))
        tests = self._tests
        return rate_goal(Goal.INTEGRITY, self._need, evidence, POLICY, SECRECY, tests).verdict


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
        simulation = Simulation(self.need, SIZES[self.need])
        found = [simulation.audit(rates, rng) for _ in range(audits)]
        wrong = sum(verdict is self.wrong for verdict, _ in found)
        share = np.mean([asked for _, asked in found]) / (ATTACKS * SIZES[self.need])
        return Finding(
            measured=f"wrong in {wrong / audits:.2%}; {share:.0%} as many inputs attacked as with "
            "one full look at each attack",
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
