"""The agenda of a run: what to run next, what is no longer needed, and what settled it.

The agenda is a list that is made before the run and followed in order. Results strike out what no
longer matters; they never change the order. Several attack runs may be under way at a time: what
is begun ahead counts only if following the list one by one would have come to it, so that the same
seed gives the same evidence however many workers there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from goalkeeper.core.evidence import AttackResult, Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Power
from goalkeeper.estimate import OperationTimes
from goalkeeper.planning import Plan, PlanEntry, Unit
from goalkeeper.planning.evidence import build_evidence
from goalkeeper.rate import Settled, settle
from goalkeeper.scheduling.prospects import Stakes

# How much longer a run counts, when runs are sorted, the harder the attack is; and the seconds that
# the shortest count as, so that cheap attacks of a few seconds come before costly ones of none.
COSTLINESS = {"high": 1.0, "medium": 10.0, "low": 100.0, "very_low": 1000.0}
SHORT = 2.0
Decisions = frozenset[tuple[str, Goal]]  # a run by its id, and a goal
NO_SUCCESS = frozenset({Settled.WITHSTOOD, Settled.EXCLUDED})
Settling = tuple[tuple[Settled, str], ...]  # by the evidence of each attacker, with its id


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """One attack run at all its looks, and the entries of the attackers who share it."""

    entries: tuple[PlanEntry, ...]

    @cached_property
    def id(self) -> str:
        """The id of its last look."""
        return self.looks[-1].id

    @cached_property
    def looks(self) -> tuple[Unit, ...]:
        """The interim look, if there is one, and the full one."""
        first = self.entries[0]
        return tuple(look for look in (first.interim, first.unit) if look)


@dataclass(frozen=True, eq=False)
class RunLook:
    """One look at a run."""

    run: PlannedRun
    look: int

    @cached_property
    def unit(self) -> Unit:
        """The attack run at this size."""
        return self.run.looks[self.look]


@dataclass(frozen=True, eq=False)
class RunStatus:
    """How far a run has come: what counts so far, what is next, and what is settled.

    `counted` holds the results that count, by unit; `pending` the looks still to be made, in
    order; `decided` the goals that were shown not to be met, with the evidence that showed it;
    `covered` the runs that a stronger attacker's run makes needless, by their last look.
    """

    counted: Mapping[str, AttackResult]
    pending: tuple[Unit, ...]
    decided: Mapping[Goal, str]
    covered: Mapping[str, str]

    @property
    def pending_ids(self) -> tuple[str, ...]:
        """The ids of what is pending."""
        return tuple(unit.id for unit in self.pending)


class Agenda:
    """What a plan runs, in order.

    Parameters
    ----------
    plan
        The plan, narrowed to what can decide.
    stakes
        What verdicts depend on.
    times
        Nominal seconds of the basic operations: short runs come first.
    seed
        Of the evidence.
    """

    def __init__(self, plan: Plan, stakes: Stakes, times: OperationTimes, *, seed: int) -> None:
        self._stakes, self._seed = stakes, seed
        self._complete = plan.choice.complete
        self._tests = plan.hypotheses()
        self._runs = _collect(plan.entries)
        self._counting = {run.id: self._list_entries(run) for run in self._runs}
        self._goals = {run: tuple(entries) for run, entries in self._counting.items()}
        self._stronger = {} if self._complete else self._find_stronger()
        self._steps = tuple(self._order(times))
        self._known: dict[tuple[str, Goal], tuple[AttackResult, Settling]] = {}

    def follow(self, results: Mapping[str, AttackResult]) -> RunStatus:
        """Follow the list with the results there are, and say where it leads.

        Where a result is missing, the list is followed as if it settled nothing: what is pending
        behind it may turn out to be needless. A first look decides a goal only as long as no second
        one, made for another goal, takes its place and does not.
        """
        state = self._follow(results, frozenset())
        while state.lost:
            state = self._follow(results, state.void | state.lost)
        return RunStatus(state.counted, tuple(state.pending), state.decided, state.covered)

    def _follow(self, results: Mapping[str, AttackResult], void: Decisions) -> _State:
        state = _State(void=void)
        for step in self._steps:
            if not self._matters(step, state):
                continue
            result = results.get(step.unit.id)
            if result is None:
                state.pending.append(step.unit)
            else:
                state.counted[step.unit.id] = result
                self._judge(step, result, state)
        return state

    # ---- what matters --------------------------------------------------------------------------

    def _matters(self, step: RunLook, state: _State) -> bool:
        """Return whether a look can still change a verdict, or was asked for regardless.

        What crashed or hung on a part of the sample would do so again on all of it.
        """
        run = step.run
        first = state.counted.get(run.looks[0].id)
        if step.look and first is not None and first.status is Status.FAILED_TO_RUN:
            return False
        if self._complete or not self._goals[run.id]:
            return True
        excluded = state.excluded.get(run.id, set())
        live = [g for g in self._goals[run.id] if g not in state.decided and g not in excluded]
        if not live:
            return False
        for stronger in self._stronger.get(run.id, ()):
            if set(live) <= state.withstood.get(stronger.id, set()):
                state.covered[run.id] = stronger.id
                return False
        return True

    def _judge(self, step: RunLook, result: AttackResult, state: _State) -> None:
        """Note what a result settles, for each goal that the run can change."""
        if self._complete:
            return
        for goal in self._goals[step.run.id]:
            found = self._settle(step, result, goal)
            kinds = {settled for settled, _ in found}
            shown = next((id_ for settled, id_ in found if settled is Settled.SHOWN), "")
            decides = bool(shown) and (step.run.id, goal) not in state.void
            if decides and goal not in state.decided:
                state.decided[goal], state.decider[goal] = shown, step.run.id
            elif not shown and state.decider.get(goal) == step.run.id:
                state.lost.add((step.run.id, goal))
            _note(state.excluded, step.run, goal, holds=kinds <= NO_SUCCESS)
            _note(state.withstood, step.run, goal, holds=kinds == {Settled.WITHSTOOD})

    def _settle(self, step: RunLook, result: AttackResult, goal: Goal) -> Settling:
        """Return what a result settles for a goal, by the evidence of each attacker."""
        key = (step.unit.id, goal)
        known = self._known.get(key)
        if known is None or known[0] is not result:
            entries = self._counting[step.run.id][goal]
            pieces = [build_evidence(e, result, seed=self._seed, look=step.unit) for e in entries]
            known = result, tuple((self._settled(e, goal), e.id) for e in pieces)
            self._known[key] = known
        return known[1]

    def _settled(self, evidence: Evidence, goal: Goal) -> Settled:
        stakes, tests = self._stakes, self._tests[goal]
        need = stakes.needs[goal]
        return settle(evidence, need, stakes.policy, stakes.secrecy, hypotheses=tests)

    def _list_entries(self, run: PlannedRun) -> dict[Goal, list[PlanEntry]]:
        """List the entries that can change the verdict on a goal, by goal."""
        found: dict[Goal, list[PlanEntry]] = {}
        for entry in run.entries:
            for goal in self._stakes.goals(entry):
                found.setdefault(goal, []).append(entry)
        return found

    # ---- order ---------------------------------------------------------------------------------

    def _find_stronger(self) -> dict[str, tuple[PlannedRun, ...]]:
        """Map each run to those of the same attack with more power, for the same goals."""
        found: dict[str, tuple[PlannedRun, ...]] = {}
        groups: dict[tuple[str, str, str], list[PlannedRun]] = {}
        for run in self._runs:
            how = run.entries[0].unit
            assert how is not None  # noqa: S101 - runs are made of planned entries
            key = (how.attack, how.run.task.name, repr(how.run.attacker))
            groups.setdefault(key, []).append(run)
        for group in groups.values():
            for run in group:
                goals = set(self._goals[run.id])
                better = (o for o in group if o is not run and goals <= set(self._goals[o.id]))
                found[run.id] = tuple(o for o in better if _exceeds(o, run))
        return found

    def _order(self, times: OperationTimes) -> Iterator[RunLook]:
        """List the looks: first looks before second ones, stronger attackers before weaker ones.

        Within each part goals take turns, the one that was given least time next, and each takes
        its shortest run, cheap attacks before costly ones. What decides nothing comes last.
        """
        deciding = [run for run in self._runs if self._goals[run.id]]
        idle = [run for run in self._runs if not self._goals[run.id]]
        leading = [run for run in deciding if not self._stronger.get(run.id)]
        weaker = [run for run in deciding if self._stronger.get(run.id)]
        for runs in (leading, weaker):
            for part in _by_look(runs):
                yield from self._take_turns(part, times)
        for part in _by_look(idle):
            yield from sorted(part, key=lambda step: _seconds(step, times))

    def _sort(self, seconds: Mapping[RunLook, float], goal: Goal) -> list[RunLook]:
        """List the looks that can decide a goal, the soonest first."""
        mine = [step for step in seconds if goal in self._goals[step.run.id]]
        weights = {step: self._weigh(step, goal, seconds[step]) for step in mine}
        return sorted(mine, key=lambda step: (weights[step], seconds[step], step.unit.id))

    def _weigh(self, step: RunLook, goal: Goal, seconds: float) -> float:
        """Return the seconds of a look, longer the more its attack costs.

        Of two attacks that both show that a goal is not met, the cheaper one says more.
        """
        entries, rules = self._counting[step.run.id][goal], self._stakes.policy.rating
        feasibility = rules.feasibility(min(self._stakes.cost(e) for e in entries))
        return max(seconds, SHORT) * COSTLINESS[feasibility]

    def _take_turns(self, steps: Iterable[RunLook], times: OperationTimes) -> Iterator[RunLook]:
        seconds = {step: _seconds(step, times) for step in steps}
        goals = dict.fromkeys(goal for step in seconds for goal in self._goals[step.run.id])
        queues = {goal: self._sort(seconds, goal) for goal in goals}
        given = dict.fromkeys(queues, 0.0)
        taken: set[RunLook] = set()
        while queues:
            goal = min(queues, key=lambda goal: given[goal])
            step = queues[goal].pop(0)
            if not queues[goal]:
                del queues[goal]
            if step not in taken:
                taken.add(step)
                given[goal] += seconds[step]
                yield step


@dataclass(eq=False)
class _State:
    """What following the list has found so far.

    `decider` has the run that decided a goal; `lost` are runs and goals that a first look decided
    and the second did not, `void` those of an earlier attempt.
    """

    void: Decisions

    counted: dict[str, AttackResult] = field(default_factory=dict)
    pending: list[Unit] = field(default_factory=list)
    decided: dict[Goal, str] = field(default_factory=dict)
    decider: dict[Goal, str] = field(default_factory=dict)
    lost: set[tuple[str, Goal]] = field(default_factory=set)
    excluded: dict[str, set[Goal]] = field(default_factory=dict)
    withstood: dict[str, set[Goal]] = field(default_factory=dict)
    covered: dict[str, str] = field(default_factory=dict)


def _note(found: dict[str, set[Goal]], run: PlannedRun, goal: Goal, *, holds: bool) -> None:
    """Note whether something holds of a run and a goal; the last look says so."""
    noted = found.setdefault(run.id, set())
    (noted.add if holds else noted.discard)(goal)


def _collect(entries: Sequence[PlanEntry]) -> tuple[PlannedRun, ...]:
    """Group the planned entries by the run that they share."""
    found: dict[str, list[PlanEntry]] = {}
    for entry in entries:
        if entry.unit is not None:
            found.setdefault(entry.unit.id, []).append(entry)
    return tuple(PlannedRun(tuple(shared)) for shared in found.values())


def _by_look(runs: Sequence[PlannedRun]) -> tuple[list[RunLook], list[RunLook]]:
    """Split the looks at runs: the first of each, and the second of those that have one."""
    return [RunLook(run, 0) for run in runs], [
        RunLook(run, 1) for run in runs if len(run.looks) > 1
    ]


def _seconds(step: RunLook, times: OperationTimes) -> float:
    return times.seconds(step.unit, step.unit.effort)


def _exceeds(run: PlannedRun, other: PlannedRun) -> bool:
    """Return whether a run grants all that another one grants, and more."""
    mine, theirs = _granted(run), _granted(other)
    return mine != theirs and not mine.lacks(theirs)


def _granted(run: PlannedRun) -> Power:
    unit = run.entries[0].unit
    assert unit is not None  # noqa: S101 - runs are made of planned entries
    return unit.run.granted
