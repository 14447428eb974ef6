"""Plans made by hand, whose attack runs have the results that a test gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from goalkeeper.core.assessment import Estimate
from goalkeeper.core.evidence import AttackResult, Proportion, Status, Trial
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import UNLIMITED, Attacker, Budget, Grade, Knowledge, Power, View
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.estimate import OperationTimes
from goalkeeper.games.base import Task
from goalkeeper.planning import Choice, Plan, PlanEntry, Unit
from goalkeeper.policy import default_policy
from goalkeeper.scheduling import Agenda, Stakes

POLICY = default_policy()
SECRECY = POLICY.rating.default_secrecy
NOMINAL = OperationTimes(machine=1.0, row=0, single=0, model=0, many=0, fit=0)
NORMAL = {Goal.INTEGRITY: 1}


class Cited:
    """An attack that nobody runs."""

    reference = "Nobody 2000"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attack run of a plan: what it is called, costs and counts for."""

    name: str
    goals: tuple[Goal, ...] = (Goal.INTEGRITY,)
    seconds: float = 1.0
    data: Grade = Grade.NONE
    window: str = "easy"
    attack: str = ""
    standing: Standing = DECIDES
    looks: int = 2
    daily: float = UNLIMITED  # queries


def entry_of(case: Case) -> PlanEntry:
    budget = Budget(queries=100, queries_per_day=case.daily)
    power = Power(knowledge=Knowledge(data=case.data), view=View.LABELS, budget=budget)
    attack = case.attack or case.name
    task = Task(
        name=case.name if not case.attack else "task",
        harms=tuple(Harm(goal) for goal in case.goals),
        metric="success_rate",
        sentence="",
    )

    def look(effort: float) -> Unit:
        run = SimpleNamespace(task=task, granted=power, attacker=None, attack=Cited())
        return Unit(
            identity="",
            id=f"{case.name}-{effort:g}",
            attack=attack,
            settings={},
            run=cast("Any", run),
            estimate=Estimate(),
            effort=effort,
        )

    return PlanEntry(
        attack=attack,
        game="evasion",
        task=task,
        variant=POLICY.variant("evasion.good_words"),
        attacker=Attacker(name=case.name, power=power, window=case.window),
        need=power,
        unit=look(1.0),
        interim=look(0.25) if case.looks > 1 else None,
        standing=case.standing,
    )


def plan_of(cases: Sequence[Case], choice: Choice | None = None) -> Plan:
    entries = tuple(entry_of(case) for case in cases)
    attackers = tuple(entry.attacker for entry in entries)
    return Plan(entries=entries, attackers=attackers, choice=choice or Choice())


def stakes_of(needs: Mapping[Goal, int] = NORMAL) -> Stakes:
    return Stakes(needs=needs, policy=POLICY, secrecy=SECRECY)


def times_of(cases: Sequence[Case]) -> OperationTimes:
    """Times by which each attack run takes the seconds that its case says."""
    seconds_of = {case.name: case.seconds for case in cases}

    class Given:
        def seconds(self, unit: Unit, effort: float = 1.0) -> float:
            return effort * seconds_of[unit.id.rpartition("-")[0]]

    return cast("OperationTimes", Given())


def agenda_of(
    cases: Sequence[Case],
    needs: Mapping[Goal, int] = NORMAL,
    choice: Choice | None = None,
) -> Agenda:
    """An agenda in which each attack run takes the seconds that its case says."""
    return Agenda(plan_of(cases, choice), stakes_of(needs), times_of(cases), seed=0)


def result_of(
    successes: int, n: int, status: Status = Status.TESTED, *, queries: float = 1
) -> AttackResult:
    """Successes beside a baseline on the same items that has none."""
    tally = Proportion(successes=successes, n=n, baseline_successes=0, baseline_n=n, both=0)
    return AttackResult(status=status, trials=(Trial(budget=1, queries=queries, tally=tally),))
