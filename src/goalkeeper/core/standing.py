"""What an attack run may count for: whether it may decide a verdict, and if not, why."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from goalkeeper.core.need import Frozen

__all__ = ["DECIDES", "Standing", "StandingKind"]


class StandingKind(StrEnum):
    """Whether a run may decide, rests on something nobody declared, or shows no harm here."""

    DECIDES = "decides"
    BY_ASSUMPTION = "by_assumption"
    NO_HARM = "no_harm"


class Standing(Frozen):
    """What a run of one attacker on one task may count for.

    Only `decides` counts in the rating of a goal: the others neither show that a goal is not met
    nor keep it from being met, and they are not among the tests that share the error probability.
    `by_assumption` rests on an asset or a situation that the description does not declare.
    `no_harm` is trivial with what the attacker was granted, or harms nobody but the attacker.
    """

    kind: StandingKind = StandingKind.DECIDES
    reason: str = Field(default="", description="one sentence; empty where it decides")

    @property
    def decides(self) -> bool:
        """Whether the run counts in the rating of its goals."""
        return self.kind is StandingKind.DECIDES

    @classmethod
    def by_assumption(cls, reason: str) -> Standing:
        """Return the standing of a run that rests on what nobody declared."""
        return cls(kind=StandingKind.BY_ASSUMPTION, reason=reason)

    @classmethod
    def no_harm(cls, reason: str) -> Standing:
        """Return the standing of a run that is trivial by grant, or harms nobody."""
        return cls(kind=StandingKind.NO_HARM, reason=reason)


DECIDES = Standing()
