"""One trial, or one untested attack, as a point of exposure and attack potential."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from goalkeeper.core.evidence import Evidence, Status, Tally, Trial
from goalkeeper.games import tallies

Secrecy = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePoint:
    """Exposure shown by one trial, or left open by an untested attack; `cost`: attack potential."""

    evidence: Evidence
    demonstrated: int
    potential: int
    cost: int
    trial: Trial | None = None

    @property
    def tested(self) -> bool:
        """Whether the trial bounds the exposure from above, too."""
        return self.trial is not None and excludes(self.evidence)

    @property
    def name(self) -> str:
        """The attack and the attacker, in words."""
        return f"{self.evidence.attack or self.evidence.variant} by {self.evidence.attacker}"


def excludes(evidence: Evidence) -> bool:
    """Return whether evidence bounds the exposure from above, too.

    An attack that the time limit ended early would have reached more.
    """
    return evidence.status is Status.TESTED and not evidence.result.limited


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCriteria:
    """What a goal of this need must withstand, and the error probability of each bound."""

    required: int
    critical: int
    alpha: float
    split: float

    def demonstrated(self, points: Sequence[ExposurePoint]) -> list[ExposurePoint]:
        """List the points that were shown to be critical, cheapest first."""
        return sort_by_cost(p for p in points if p.demonstrated >= self.critical)

    def not_excluded(self, points: Sequence[ExposurePoint]) -> list[ExposurePoint]:
        """List the points that may be critical, cheapest first."""
        return sort_by_cost(p for p in points if p.potential >= self.critical)

    def undecided(self, points: Sequence[ExposurePoint]) -> list[ExposurePoint]:
        """List what must be withstood and may be critical, once per evidence, cheapest first."""
        return first_of_each(p for p in self.not_excluded(points) if p.cost < self.required)


def sort_by_cost(points: Iterable[ExposurePoint]) -> list[ExposurePoint]:
    """Sort by attack potential, then by demonstrated exposure, highest first."""
    return sorted(points, key=lambda p: (p.cost, -p.demonstrated, -p.potential, p.evidence.id))


def first_of_each(points: Iterable[ExposurePoint]) -> list[ExposurePoint]:
    """Keep the first point of each piece of evidence."""
    first: dict[str, ExposurePoint] = {}
    for point in points:
        first.setdefault(point.evidence.id, point)
    return list(first.values())


@lru_cache(maxsize=8192)
def bound(tally: Tally, alpha: float, trials: int = 1) -> tuple[float, float]:
    """Bound a tally, one of `trials`, on both sides; counts without any trial give infinities."""
    try:
        low, high = tallies.bounds(tally, alpha, trials=trials)
    except (ValueError, ZeroDivisionError):
        return -math.inf, math.inf
    return (-math.inf if math.isnan(low) else float(low)), (
        math.inf if math.isnan(high) else float(high)
    )


def nothing_to_be_had(points: Sequence[ExposurePoint]) -> ExposurePoint | None:
    """Return the check that measured that nothing is to be had, where no attack is applicable.

    Attacks that are not applicable for other reasons, such as the kind of input, say nothing.
    """
    if any(p.evidence.status is not Status.NOT_APPLICABLE for p in points):
        return None
    return next((p for p in points if p.evidence.result.measurements), None)
