"""Advise: what would help against the attacks that decide. None of it has been verified yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goalkeeper.core.assessment import Advice, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal
from goalkeeper.policy import Remedy, remedies

MOST = 4  # remedies for a goal: the first ones are those to begin with


def advise(
    evidence: Sequence[Evidence], goals: Mapping[Goal, GoalRating], kind: str
) -> tuple[Advice, ...]:
    """Recommend remedies for the goals that are not met.

    For each goal those against the attack that decides its verdict come first, then those against
    the others that were shown to succeed, each in the order of their expected effect.

    Parameters
    ----------
    evidence
        The rated evidence.
    goals
        The ratings.
    kind
        Kind of input: text, table or image.
    """
    by_id = {item.id: item for item in evidence}
    found: dict[str, tuple[Remedy, list[Goal], list[str]]] = {}
    for goal, rating in goals.items():
        if rating.verdict is not Verdict.NOT_MET:
            continue
        ids = dict.fromkeys((rating.cheapest_attack, *rating.because))
        deciding = [by_id[name] for name in ids if name in by_id]
        for remedy, item in _remedies_for(deciding, kind)[:MOST]:
            _, for_, against = found.setdefault(remedy.name, (remedy, [], []))
            for_.append(goal)
            against.append(item.id)
    return tuple(
        Advice.model_validate({
            "defence": remedy.name,
            "for": tuple(for_),
            "reason": remedy.what,
            "tries": remedy.tries,
            "against": tuple(dict.fromkeys(against)),
        })
        for remedy, for_, against in found.values()
    )  # fmt: skip


def _remedies_for(deciding: Sequence[Evidence], kind: str) -> list[tuple[Remedy, Evidence]]:
    """List remedies, each with the first attack that it helps against."""
    first: dict[str, tuple[Remedy, Evidence]] = {}
    for item in deciding:
        for remedy in remedies():
            if remedy.helps(item.variant, kind):
                first.setdefault(remedy.name, (remedy, item))
    return list(first.values())
