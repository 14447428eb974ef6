"""Which plays decide, and how each one ended: what the report shows in full, and what as a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from goalkeeper.core.assessment import GoalRating, Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal


class Outcome(StrEnum):
    """How a play ended for a goal; the values are the words shown."""

    SUCCEEDS = "succeeds"
    OPEN = "open"
    DEAR = "reaches it, but too dear"
    WITHSTOOD = "withstood"
    UNRATED = "not rated"


_OF_VERDICT = {
    Verdict.NOT_MET: Outcome.SUCCEEDS,
    Verdict.INCONCLUSIVE: Outcome.OPEN,
    Verdict.MET: Outcome.WITHSTOOD,
}


def outcome(group: Sequence[Evidence], rating: GoalRating) -> Outcome:
    """Say how a play ended for a goal, for the attacker for whom it ended best."""
    found = {_outcome(evidence, rating) for evidence in group}
    return next(o for o in Outcome if o in found)


def _outcome(evidence: Evidence, rating: GoalRating) -> Outcome:
    """Follow the rating where it names the evidence: it alone knows of shared error rates."""
    if rating.verdict is Verdict.NOT_ASSESSED:
        return Outcome.UNRATED
    if evidence.id in rating.because:
        return _OF_VERDICT[rating.verdict]
    if evidence.rated is None or evidence.status is Status.CONTROL_FAILED:
        return Outcome.OPEN
    steps = evidence.rated.trials or (evidence.rated,)
    near = [s for s in steps if s.potential >= rating.critical]
    if any(s.attack_potential.points < rating.required for s in near):
        return Outcome.OPEN
    reached = any(s.demonstrated >= rating.critical for s in near)
    return Outcome.DEAR if reached else Outcome.WITHSTOOD


def deciding(groups: Sequence[Sequence[Evidence]], goals: Mapping[Goal, GoalRating]) -> set[int]:
    """Choose the worst play of each goal, integrity level or aspect, and attacker.

    Returns the places of these plays in `groups`. The cheapest attack of a goal is among them. Of
    one attack on one task the first is enough: its repetitions differ in what was spent only.
    """
    worst: dict[tuple[object, ...], tuple[tuple[float, ...], int]] = {}
    for i, group in enumerate(groups):
        for evidence in group:
            for goal in (g for g in evidence.goals if g in goals):
                part = (evidence.level, evidence.aspect) if goal is Goal.INTEGRITY else ()
                bracket = (goal, part, evidence.attacker)
                found = (_strength(evidence, goals[goal]), i)
                worst[bracket] = min(worst.get(bracket, found), found)
    cheapest = {rating.cheapest_attack for rating in goals.values()}
    named = {i for i, group in enumerate(groups) if cheapest & {e.id for e in group}}
    first: dict[tuple[str, str], int] = {}
    for i in sorted({i for _, i in worst.values()}):
        first.setdefault((groups[i][0].attack, groups[i][0].task), i)
    return named | set(first.values())


def _strength(evidence: Evidence, rating: GoalRating) -> tuple[float, ...]:
    """Order evidence for one goal: what decided first, then the strongest, then the cheapest."""
    because = rating.because
    place = because.index(evidence.id) if evidence.id in because else len(because)
    if evidence.rated is None:
        return (place, 1, 1, 0)
    rated = evidence.rated
    return (place, -rated.demonstrated, -rated.potential, rated.attack_potential.points)
