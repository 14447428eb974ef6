"""One trial, or one attack that was not tested, on the scales of a goal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from goalkeeper.core.evidence import Evidence, Tally, Trial
from goalkeeper.games import tallies

Secrecy = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one trial showed, or what an untested attack leaves open; `cost` is attack potential."""

    evidence: Evidence
    demonstrated: int
    potential: int
    cost: int
    trial: Trial | None = None

    @property
    def name(self) -> str:
        """The attack and the attacker, in words."""
        return f"{self.evidence.attack or self.evidence.variant} by {self.evidence.attacker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a goal of this need must withstand, and how its error probability is shared."""

    required: int
    critical: int
    alpha: float
    split: float

    def shown(self, points: Sequence[Point]) -> list[Point]:
        """List what was shown to be critical, cheapest first."""
        return cheapest_first(p for p in points if p.demonstrated >= self.critical)

    def possible(self, points: Sequence[Point]) -> list[Point]:
        """List what cannot be excluded to be critical, cheapest first."""
        return cheapest_first(p for p in points if p.potential >= self.critical)

    def doubtful(self, points: Sequence[Point]) -> list[Point]:
        """List what should be withstood and cannot be excluded, once each, cheapest first."""
        return one_each(p for p in self.possible(points) if p.cost < self.required)


def cheapest_first(points: Iterable[Point]) -> list[Point]:
    """Sort by attack potential, then by what was shown."""
    return sorted(points, key=lambda p: (p.cost, -p.demonstrated, -p.potential, p.evidence.id))


def one_each(points: Iterable[Point]) -> list[Point]:
    """Keep the first point of each piece of evidence."""
    first: dict[str, Point] = {}
    for point in points:
        first.setdefault(point.evidence.id, point)
    return list(first.values())


@lru_cache(maxsize=8192)
def bound(tally: Tally, alpha: float) -> tuple[float, float]:
    """Bound a tally; counts that allow no bound, as of no tries at all, exclude nothing."""
    try:
        low, high = tallies.bounds(tally, alpha)
    except (ValueError, ZeroDivisionError):
        return -math.inf, math.inf
    return (-math.inf if math.isnan(low) else float(low)), (
        math.inf if math.isnan(high) else float(high)
    )
