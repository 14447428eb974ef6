"""When a run of an attack with more power says what the same attack with less reaches at most."""

from __future__ import annotations

from collections.abc import Sequence

from goalkeeper.core.evidence import Evidence, Requirement
from goalkeeper.core.power import Capability, Grade, View


def is_covered(one: Evidence, withstood: Sequence[Evidence]) -> bool:
    """Return whether the same attack was withstood with all that this run was granted, or more.

    Attackers with more power could do all that those with less can. Where a default run makes
    the stronger run first and leaves out the weaker one, an exhaustive run makes both, and the
    smaller sample of the weaker one must not leave open what the stronger one settled. What counts
    is what an attack reaches beyond its baseline: one with a higher baseline says nothing of one
    with a lower.
    """
    return any(
        (other.attack, other.task, other.result.threat) == (one.attack, one.task, one.result.threat)
        and other.id != one.id
        and grants(other.requires, one.requires)
        and _queries_per_day(other) >= _queries_per_day(one)
        and _share(other) >= _share(one)
        and _baseline(other) <= _baseline(one)
        for other in withstood
    )


def grants(more: Requirement, less: Requirement) -> bool:
    """Return whether a requirement has all knowledge, capabilities and view of another one."""
    known = all(
        Grade[more.knowledge.get(aspect, "none").upper()] >= Grade[grade.upper()]
        for aspect, grade in less.knowledge.items()
    )
    able = Capability.of(less.capabilities) in Capability.of(more.capabilities).closed()
    return known and able and View[more.view.upper()] >= View[less.view.upper()]


def _queries_per_day(evidence: Evidence) -> float:
    return evidence.requires.queries_per_day * evidence.requires.identities


def _share(evidence: Evidence) -> float:
    """Return the largest share of the training data that was changed."""
    return max((trial.share for trial in evidence.result.trials), default=0.0)


def _baseline(evidence: Evidence) -> float:
    return evidence.headline.baseline if evidence.headline else 0.0
