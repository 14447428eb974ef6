"""Advise: recommend defences against what was found. None has been verified yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from goalkeeper.core.assessment import Advice, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal

# Of a variant: defences, reasons, and the defences of goalkeeper's own that do that.
Remedies = Callable[[str], Sequence[tuple[str, str, tuple[str, ...]]]]


def advise(
    evidence: Sequence[Evidence], goals: Mapping[Goal, GoalRating], remedies: Remedies
) -> tuple[Advice, ...]:
    """Recommend defences against what was shown, first against what decides a verdict.

    What may not decide a verdict calls for no defence, and neither does a goal that nobody needs.
    """
    needed = {goal for goal, r in goals.items() if r.verdict is not Verdict.NOT_ASSESSED}
    shown = [e for e in evidence if _calls_for_defence(e) and needed & set(e.goals)]
    found: dict[tuple[str, str, tuple[str, ...]], list[Evidence]] = {}
    for item in sorted(shown, key=lambda e: _urgency(e, goals)):
        for remedy in remedies(item.variant):
            found.setdefault(remedy, []).append(item)
    return tuple(
        Advice.model_validate(
            {
                "defence": defence,
                "for": tuple(dict.fromkeys(g for e in items for g in e.goals if g in needed)),
                "reason": reason,
                "tries": tries,
                "variants": tuple(dict.fromkeys(e.variant for e in items)),
            }
        )
        for (defence, reason, tries), items in found.items()
    )


def _calls_for_defence(evidence: Evidence) -> bool:
    """Whether an attack was shown to do harm that counts."""
    rated = evidence.rated
    return evidence.standing.decides and rated is not None and rated.demonstrated > 0


def _urgency(evidence: Evidence, goals: Mapping[Goal, GoalRating]) -> tuple[int, int, str]:
    """Return the sort key: what decides comes first, then what did the most harm."""
    decides = any(rating.cheapest_attack == evidence.id for rating in goals.values())
    shown = evidence.rated.demonstrated if evidence.rated else 0
    return (0 if decides else 1, -shown, evidence.variant)
