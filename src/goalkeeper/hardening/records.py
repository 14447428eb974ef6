"""What hardening tried, and what came of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from goalkeeper.comparing import AttackChange, Direction
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Frozen
from goalkeeper.core.numbers import Real

__all__ = ["GoalEffect", "Hardening", "SideEffect", "RuledTrial", "TriedDefence"]


class GoalEffect(Frozen):
    """A goal before and after a defence.

    Where a defence was refused before all attacks were made, `after` is `not_met` if those that
    decided show it, and else `not_assessed`.
    """

    before: Verdict
    after: Verdict
    potential_before: Real = Field(
        description="attack potential of the cheapest attack that was shown to succeed; inf: none"
    )
    potential_after: Real | None = Field(description="null: not assessed again")
    change: Direction = Field(description="what can be claimed, over all attacks compared")
    sentence: str = ""


class SideEffect(Frozen):
    """What a defence costs: a value before and after, on the same records where there are some.

    `low` and `high` bound the change with a probability of 95 %, where it has an interval: of too
    few trainings it has none. Seconds are CPU seconds, and medians.
    """

    what: str
    unit: Literal["share", "seconds"] = "share"
    before: Real
    after: Real
    low: Real | None = None
    high: Real | None = None
    n: int = 0
    tolerance: Real | None = Field(default=None, description="most change that is tolerated")

    @property
    def exceeds(self) -> bool:
        """Whether it is more than the application tolerates."""
        return self.tolerance is not None and self.after - self.before > self.tolerance


class TriedDefence(Frozen):
    """A defence, or several together, and what it did."""

    defence: str
    accepted: bool
    why: str
    goals: dict[Goal, GoalEffect] = Field(default_factory=dict)
    attacks: tuple[AttackChange, ...] = Field(
        default=(), description="those that decided, with their full samples"
    )
    side_effects: tuple[SideEffect, ...] = ()
    run: str = Field(default="", description="folder of its assessment")


class RuledTrial(Frozen):
    """What was tried, as it is kept for the same command to continue.

    `remaining` are goals that are better protected against what decided, where another attack is as
    cheap, with the family of that attack.
    """

    key: str = Field(description="hash of everything that the ruling depends on")
    tried: TriedDefence
    complete: bool
    remaining: dict[Goal, str] = Field(default_factory=dict)
    moved: tuple[Goal, ...] = Field(default=(), description="the goals that are better protected")
    milder: bool = Field(
        default=False, description="refused for what a milder setting may not do, such as its price"
    )


class Hardening(Frozen):
    """Everything that was tried on an application, and the hardened one."""

    application: str
    tried: tuple[TriedDefence, ...] = ()
    left_out: dict[str, str] = Field(
        default_factory=dict, description="defences that were not tried, and why"
    )
    combined: TriedDefence | None = Field(
        default=None, description="the accepted defences together"
    )
    hardened: str = Field(
        default="", description="path of the hardened application file; empty: nothing accepted"
    )
    report: str = Field(default="", description="path of the report of the hardened application")
    model: str = Field(default="", description="path of the hardened model, where it has a file")
    complete: bool = Field(default=True, description="whether everything planned was tried")

    @property
    def accepted(self) -> tuple[str, ...]:
        """The defences that were accepted."""
        return tuple(one.defence for one in self.tried if one.accepted)

    def to_json(self) -> str:
        """Render as JSON with one trailing newline."""
        return self.model_dump_json(indent=1) + "\n"
