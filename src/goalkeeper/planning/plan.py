"""What a plan consists of: attack runs, entries for attackers, and what the user chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import JsonValue

from goalkeeper.attack_run import AttackRun
from goalkeeper.core.assessment import Estimate, PlanRow
from goalkeeper.core.evidence import Measurement, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.late import ON_TOP
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Task
from goalkeeper.policy import Variant

# Share of the effort at the interim look. Lower bounds reach the critical level of a clear success
# with a quarter of the sample, and so do upper bounds of what never happens at a normal need.
INTERIM_EFFORT = 0.25


@dataclass(frozen=True, eq=False, kw_only=True)
class Unit:
    """One attack run in a plan, identified by everything that determines its result.

    `identity` is that as a text; `id` is the beginning of its hash.
    """

    id: str
    identity: str
    attack: str
    settings: Mapping[str, JsonValue]
    run: AttackRun
    estimate: Estimate
    effort: float = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanEntry:
    """One attack x task x attacker: planned (it has a unit) or skipped, with reasons.

    A variant of the taxonomy without an attack gets an entry with an empty attack name, so that
    what goalkeeper cannot test is always reported.
    """

    attack: str
    game: str
    task: Task
    variant: Variant
    attacker: Attacker
    need: Power
    unit: Unit | None = None
    interim: Unit | None = None  # the interim look: the same with smaller samples
    status: Status | None = None  # if skipped; None: the attacker lacks the power
    reasons: tuple[str, ...] = ()
    standing: Standing = DECIDES
    measured: tuple[Measurement, ...] = ()  # by the check that rules it out

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The goals that a measured success counts for, each once."""
        return tuple(dict.fromkeys(harm.goal for harm in self.task.harms))

    def row(self) -> PlanRow:
        """Return the entry as a row of the assessment."""
        return PlanRow(
            attack=self.attack,
            game=self.game,
            task=self.task.name,
            variant=self.variant.id,
            attacker=self.attacker.name,
            status="planned" if self.unit else "skipped",
            reasons=self.reasons,
            goals=self.goals,
            unit=self.unit.id if self.unit else "",
            interim=self.interim.id if self.interim else "",
            estimate=self.unit.estimate if self.unit else Estimate(),
            standing=self.standing,
        )


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the user selected: goals, attacks and attackers (empty: all), attack settings, effort.

    The effort multiplies sample sizes and numbers of models; the default is 1. By default only
    those attack runs are made that can still decide the verdict of a goal with a protection need.
    `all_goals` adds those that count for no verdict, `exhaustive` makes every run to its end.
    """

    goals: tuple[Goal, ...] = ()
    attacks: tuple[str, ...] = ()
    attackers: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effort: float = 1.0
    all_goals: bool = False
    exhaustive: bool = False

    @property
    def complete(self) -> bool:
        """Whether every attack run is made, to its end: asked for, or attacks were chosen."""
        return self.exhaustive or bool(self.attacks)

    def interim(self) -> Choice:
        """Return the choice of the interim look; the same where each run has one look only."""
        return self if self.complete else replace(self, effort=INTERIM_EFFORT * self.effort)


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """Everything that will be run, and everything that will not, with reasons."""

    entries: tuple[PlanEntry, ...]
    attackers: tuple[Attacker, ...]
    choice: Choice = Choice()

    def __str__(self) -> str:
        return str(self._summary("summarise_plan"))

    def __repr__(self) -> str:  # what a notebook or a prompt shows
        return str(self)

    def _repr_html_(self) -> str:
        return str(self._summary("summarise_plan_html"))

    def _summary(self, renderer: str) -> str:
        rows = tuple(entry.row() for entry in self.entries)
        text: str = ON_TOP.call("report.summary", renderer, rows, self.choice.effort)
        return text

    @property
    def units(self) -> tuple[Unit, ...]:
        """The attack runs, each once: attackers with the same grant share one."""
        return tuple({e.unit.id: e.unit for e in self.entries if e.unit}.values())

    @property
    def looks(self) -> tuple[Unit, ...]:
        """The attack runs at every size, each once."""
        looks = (look for e in self.entries for look in (e.interim, e.unit) if look)
        return tuple({look.id: look for look in looks}.values())

    def attackers_by_unit(self) -> dict[str, tuple[str, ...]]:
        """Return who shares each attack run, at each of its sizes."""
        found: dict[str, dict[str, None]] = {}
        for entry in self.entries:
            for look in filter(None, (entry.interim, entry.unit)):
                found.setdefault(look.id, {})[entry.attacker.name] = None
        return {unit: tuple(names) for unit, names in found.items()}

    def hypotheses(self) -> dict[Goal, int]:
        """Count the planned tests of each goal, by which alpha is divided; fixed before a run.

        Runs that may not decide are no tests of a goal.
        """
        planned = {goal: set[str]() for goal in Goal}
        for entry in self.entries:
            if entry.unit and entry.standing.decides:
                for goal in entry.goals:
                    planned[goal].add(entry.unit.id)
        return {goal: max(1, len(units)) for goal, units in planned.items()}


def describe_power(power: Power) -> dict[str, Any]:
    """Return a power as JSON values."""
    return {
        "knowledge": {k: v.name.lower() for k, v in power.knowledge.items()},
        "capabilities": list(power.capabilities.names()),
        "view": power.view.name.lower(),
        "budget": asdict(power.budget),
    }
