"""Entries that both files use: how powers are written in YAML."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from goalkeeper.core.need import Frozen
from goalkeeper.core.power import UNLIMITED, Budget, Capability, Grade, Knowledge, View

AspectName = Literal["data", "algorithm", "model"]
GradeName = Literal["none", "partial", "full"]
ViewName = Literal["nothing", "labels", "scores", "logits", "gradients"]
CapabilityName = Literal["T1", "T2", "T3", "T4", "M1", "M2", "M3", "M4", "W", "O"]
Checked = Literal["source", "secondary", "memory", "own"]


class Provenance(Frozen):
    """Where a value comes from, and how that was checked."""

    from_: str = Field(alias="from")
    checked: Checked


class BudgetEntry(Frozen):
    """Spending, as a profile or a variant states it."""

    queries: float = Field(default=0, ge=0)
    queries_per_day: float = Field(default=UNLIMITED, gt=0)
    identities: int = Field(default=1, ge=1)
    share: float = Field(default=0.0, ge=0, le=1)
    compute_h: float = Field(default=0.0, ge=0)

    def budget(self) -> Budget:
        """Return the budget that this states."""
        return Budget(
            queries=self.queries,
            queries_per_day=self.queries_per_day,
            identities=self.identities,
            share=self.share,
            compute_h=self.compute_h,
        )


def knowledge_of(entry: dict[AspectName, GradeName]) -> Knowledge:
    """Read knowledge; an aspect that is not stated is not known."""
    return Knowledge(**{aspect: Grade[grade.upper()] for aspect, grade in entry.items()})


def view_of(name: ViewName) -> View:
    """Read a view."""
    return View[name.upper()]


def capabilities_of(names: tuple[CapabilityName, ...]) -> Capability:
    """Read capabilities."""
    return Capability.of(names)
