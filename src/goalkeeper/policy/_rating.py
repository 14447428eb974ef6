"""The rating policy: exposure levels, attack potential, risk, and the attacker profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from goalkeeper.core.evidence import AttackPotential, Requirement, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Frozen
from goalkeeper.core.power import Attacker, Budget, Power, Writes
from goalkeeper.policy._entries import (
    AspectName,
    BudgetEntry,
    CapabilityName,
    GradeName,
    Provenance,
    ViewName,
    capabilities_of,
    knowledge_of,
    view_of,
)
from goalkeeper.policy._files import check_name

Feasibility = Literal["very_low", "low", "medium", "high"]
Secrecy = Mapping[str, Mapping[str, str]]
SLACK = 1e-12  # a bound that equals its edge up to rounding is not above it


class RatingHeader(Frozen):
    """Which policy this is, and the error probability of its bounds."""

    id: str
    version: str
    alpha: float = Field(gt=0, lt=0.5)
    demonstrated: str = ""
    potential: str = ""


class Distribution(Frozen):
    """When measured redundancy may lower a need by one."""

    goals: tuple[Goal, ...]
    transfer_at_most: float = Field(ge=0, le=1)


class NeedRules(Frozen):
    """The scale of protection needs and the damage scenarios."""

    levels: dict[int, str]
    meaning: dict[int, str]
    scenarios: dict[str, str]
    provenance: Provenance
    limits: dict[str, dict[str, str]] = Field(default_factory=dict)
    distribution: Distribution
    two_levels: dict[str, str] = Field(default_factory=dict)


class PotentialTables(Frozen):
    """Points of each factor of attack potential; the bounds are inclusive."""

    elapsed_time: tuple[tuple[float, int], ...] = Field(min_length=1)
    expertise: dict[str, int]
    knowledge: dict[str, int]
    window: dict[str, int]
    equipment: dict[str, int]
    feasibility: tuple[tuple[float, Feasibility], ...] = Field(min_length=1)
    provenance: Provenance


class MetricRule(Frozen):
    """The lower edges of exposure levels 1 to 4 in a metric."""

    edges: tuple[float, float, float, float]
    tally: str = ""
    unit: str
    baseline: str
    fprs: tuple[float, ...] = ()


class Profile(Frozen):
    """An attacker profile."""

    label: str
    knowledge: dict[AspectName, GradeName]
    capabilities: tuple[CapabilityName, ...]
    view: ViewName
    budget: BudgetEntry
    window: str
    writes: Writes = "own"

    def attacker(self, name: str) -> Attacker:
        """Return the attacker that this describes."""
        power = Power(
            knowledge=knowledge_of(self.knowledge),
            capabilities=capabilities_of(self.capabilities),
            view=view_of(self.view),
            budget=self.budget.budget(),
        )
        return Attacker(
            name=name, power=power, window=self.window, label=self.label, writes=self.writes
        )


class Rating(Frozen):
    """The whole policy, with the small functions that read its tables."""

    policy: RatingHeader
    protection_need: NeedRules
    attack_potential: PotentialTables
    required_attack_potential: dict[int, int]
    required_provenance: Provenance
    critical_level: dict[int, int]
    exposure_levels: dict[int, str]
    metrics: dict[str, MetricRule]
    existence_rule: dict[int, int] = Field(default_factory=dict)
    risk_matrix: dict[int, dict[Feasibility, int]]
    status_interval: dict[Status, tuple[int, int]]
    default_secrecy: dict[str, dict[str, str]]
    profiles: dict[str, Profile]

    @property
    def alpha(self) -> float:
        """Error probability of each one-sided bound."""
        return self.policy.alpha

    def level(self, metric: str, bound: float) -> int:
        """Count the edges that `bound` strictly exceeds: an exposure level, 0 to 4."""
        check_name(metric, self.metrics, "metrics")
        return sum(bound > edge + SLACK for edge in self.metrics[metric].edges)

    def interval(self, status: Status) -> tuple[int, int]:
        """Return the exposure level, from and to, of what was not tested."""
        return self.status_interval[status]

    def feasibility(self, points: float) -> Feasibility:
        """Name the feasibility of an attack of this many points of attack potential."""
        return next(name for most, name in self.attack_potential.feasibility if points <= most)

    def risk(self, need: int, points: float) -> int:
        """Return the risk value of an attack of this many points against a need."""
        return self.risk_matrix[need][self.feasibility(points)]

    def secrecy_class(self, secrecy: Secrecy, aspect: str, grade: str) -> str:
        """Say how well the operator keeps this knowledge; the default where nothing is said."""
        declared = secrecy.get(aspect, {}).get(grade)
        if declared is not None:
            return declared
        defaults = self.default_secrecy
        check_name(aspect, defaults, "default_secrecy")
        check_name(grade, defaults[aspect], f"default_secrecy.{aspect}")
        return defaults[aspect][grade]

    def cost_of(
        self, requires: Requirement, secrecy: Secrecy, *, queries: float, compute_h: float
    ) -> AttackPotential:
        """Put what an attack needs and spent on the scale of attack potential.

        Raises
        ------
        PolicyError
            A class of secrecy, expertise, equipment or window is not in the policy's tables.
        """
        tables = self.attack_potential
        rates = Budget(queries_per_day=requires.queries_per_day, identities=requires.identities)
        days = rates.days(queries, compute_h)
        classes = [
            self.secrecy_class(secrecy, aspect, grade)
            for aspect, grade in requires.knowledge.items()
            if grade != "none"
        ]
        for name in classes:
            check_name(name, tables.knowledge, "attack_potential.knowledge")
        check_name(requires.expertise, tables.expertise, "attack_potential.expertise")
        check_name(requires.equipment, tables.equipment, "attack_potential.equipment")
        check_name(requires.window, tables.window, "attack_potential.window")
        secret = max(classes, key=lambda name: tables.knowledge[name], default="")
        points = (
            next(pt for most, pt in tables.elapsed_time if days <= most)
            + tables.expertise[requires.expertise]
            + (tables.knowledge[secret] if secret else 0)
            + tables.window[requires.window]
            + tables.equipment[requires.equipment]
        )
        return AttackPotential(
            days=days,
            expertise=requires.expertise,
            knowledge=secret or "public",
            window=requires.window,
            equipment=requires.equipment,
            points=points,
        )
