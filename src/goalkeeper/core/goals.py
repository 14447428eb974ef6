"""The four security goals, integrity's levels and its two aspects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Aspect",
    "Goal",
    "Harm",
    "IntegrityLevel",
]


class Goal(StrEnum):
    """What an AI application should keep."""

    INTEGRITY = "integrity"
    AVAILABILITY = "availability"
    CONFIDENTIALITY = "confidentiality"
    PRIVACY = "privacy"


class IntegrityLevel(StrEnum):
    """Where integrity is impaired."""

    DATA = "data"
    MODEL = "model"
    OUTPUT = "output"


class Aspect(StrEnum):
    """Sub-goals of integrity."""

    RELIABILITY = "reliability"
    CONTROLLABILITY = "controllability"


@dataclass(frozen=True, slots=True)
class Harm:
    """What a measured result counts for: a goal, and integrity's level or aspect if it has one."""

    goal: Goal
    level: IntegrityLevel | None = None
    aspect: Aspect | None = None

    def __str__(self) -> str:
        detail = self.level or self.aspect
        return f"{self.goal}.{detail}" if detail else str(self.goal)
