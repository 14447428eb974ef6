"""Protection needs: how much damage would hurt, per goal, with the reasons the user gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from goalkeeper.core.goals import Goal

__all__ = [
    "Adjustment",
    "Damage",
    "ProtectionNeed",
]


class Frozen(BaseModel):
    """A record that is written once and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Damage(Frozen):
    """One damage scenario: its level 0 (none) to 3 (very high), and why."""

    scenario: str
    level: int = Field(ge=0, le=3)
    reason: str = Field(min_length=1)


class Adjustment(Frozen):
    """A step up (cumulation) or down (measured distribution), and why."""

    step: int = Field(ge=0, le=1)
    reason: str = Field(min_length=1)


class ProtectionNeed(Frozen):
    """The need of one goal: 0 declared none, 1 normal, 2 high, 3 very high."""

    goal: Goal
    level: int = Field(ge=0, le=3)
    damages: tuple[Damage, ...] = ()
    cumulation: Adjustment | None = None
    distribution: Adjustment | None = None
