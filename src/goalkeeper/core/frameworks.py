"""Criteria of public frameworks, and which attack variants belong to each: plain data."""

from __future__ import annotations

from dataclasses import dataclass

from goalkeeper.core.goals import Goal

__all__ = ["Criterion", "Framework"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion of a framework: a test, a technique, a risk.

    Parameters
    ----------
    variants
        Ids of the variants of the taxonomy whose attacks belong to it.
    inferred
        Those of them that the framework does not name: the mapping is ours.
    goals
        The goals that these attacks count for.
    outside
        Why no attack belongs to it; empty if one does.
    beyond
        What the criterion asks for in addition, and goalkeeper does not examine.
    """

    id: str
    name: str = ""
    variants: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    outside: str = ""
    beyond: str = ""

    @property
    def title(self) -> str:
        """Its id, and its name where it has one."""
        return f"{self.id} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A public framework; `whole`: all of its criteria are listed, and not only those of ours."""

    key: str
    name: str
    whole: bool
    criteria: tuple[Criterion, ...]
