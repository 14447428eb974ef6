"""What a comparison of two assessments says."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from goalkeeper.core.assessment import Bracket, Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Frozen
from goalkeeper.core.numbers import Real

__all__ = [
    "AttackChange",
    "Direction",
    "Comparison",
    "ComparedRun",
    "ComparedValue",
    "GoalChange",
    "RunDifference",
    "SampleSizes",
]


class Direction(StrEnum):
    """What became of something: for the defender, not for the attacker."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


class ComparedValue(Frozen):
    """A value with its two-sided 95 % interval, and of how many items; 0 for a difference."""

    value: Real
    low: Real
    high: Real
    n: int = 0


class SampleSizes(Frozen):
    """How many items in each run would tell a change with a probability of 80 %.

    They hold for as many attacks as were compared here. None: more than ten million.
    """

    now: int
    size_seen: int | None = Field(description="for a change of the size seen; none if it is 0")
    five_points: int | None = Field(description="for a change of 5 points")


class AttackChange(Frozen):
    """One attack with one grant on one task, before and after."""

    attack: str
    task: str
    variant: str
    attackers: tuple[str, ...]
    grant: str = Field(description="what the attacker sees, knows and can do")
    goals: tuple[Goal, ...] = Field(description="for whose verdict it counts in both runs")
    metric: str
    measured: str = Field(default="", description="what the values are, in words")
    unit: str = Field(default="share", description="share, or factor")
    before: ComparedValue | None = None
    after: ComparedValue | None = None
    difference: ComparedValue | None = Field(default=None, description="after minus before")
    p: Real | None = Field(default=None, description="of this attack alone")
    p_holm: Real | None = Field(
        default=None, description="allowing for all attacks compared, and for early stops"
    )
    test: str = ""
    compared: bool = False
    paired: bool = False
    pairing: str = Field(default="", description="why it is paired, or not")
    change: Direction = Direction.UNDECIDED
    reason: str = Field(default="", description="why no change is claimed")
    powers: str = Field(
        default="",
        description="what differs in the power of its attackers, and may be why values differ",
    )
    other_power: tuple[str, ...] = Field(
        default=(), description="the attackers whose power differs"
    )
    samples: SampleSizes | None = None
    evidence: tuple[str, str] = Field(description="ids before and after; empty where there is none")


class GoalChange(Frozen):
    """One goal, before and after."""

    change: Direction
    sentence: str
    verdict_before: Verdict
    verdict_after: Verdict
    exposure_before: Bracket
    exposure_after: Bracket
    need_before: int
    need_after: int
    compared: int = Field(description="attacks compared that count for it")
    made_by: tuple[str, ...] = Field(default=(), description="attacks that made the change")
    powers: tuple[str, ...] = Field(
        default=(), description="attackers of these attacks whose power differs"
    )


class RunDifference(Frozen):
    """Something that differs between the runs, and how that limits the comparison."""

    what: str
    before: str
    after: str
    effect: str


class ComparedRun(Frozen):
    """One of the two runs."""

    source: str
    application: str
    fingerprint: str
    verdict: Verdict
    seed: int
    effort: Real
    finished: str


class Comparison(Frozen):
    """Two assessments, before and after a change."""

    before: ComparedRun
    after: ComparedRun
    alpha: float = Field(description="probability of claiming any change where there is none")
    differences: tuple[RunDifference, ...] = ()
    goals: dict[Goal, GoalChange]
    attacks: tuple[AttackChange, ...] = ()
    summary: str = Field(description="one sentence")
    next: tuple[str, ...] = Field(default=(), description="commands that would tell more")

    @property
    def worse(self) -> bool:
        """Whether some goal or attack got worse."""
        of_goals = [goal.change for goal in self.goals.values()]
        return Direction.WORSE in [*of_goals, *(row.change for row in self.attacks)]

    def to_json(self) -> str:
        """Render as JSON with one trailing newline."""
        return self.model_dump_json(indent=1) + "\n"
