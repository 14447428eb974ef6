"""Advise: recommend defences against what was found. None has been verified yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from goalkeeper.core.assessment import Advice, AttackerRow, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal

# Of a variant: defences, reasons, the defences of goalkeeper's own that do that, and what an attack
# must have used for them to have an effect.
RemedyRow = tuple[str, str, tuple[str, ...], tuple[str, ...]]
Remedies = Callable[[str], Sequence[RemedyRow]]
MORE_THAN_A_CLASS = ("scores", "logits", "gradients")
ADDS = {"T1", "T2", "T3", "T4", "M4"}  # capabilities by which training data gets records


def advise(
    evidence: Sequence[Evidence],
    goals: Mapping[Goal, GoalRating],
    attackers: Sequence[AttackerRow],
    remedies: Remedies,
) -> tuple[Advice, ...]:
    """Recommend defences against what was shown, first against what decides a verdict.

    Of one attack, what has the most effect comes first, and what has none on what this attack used
    is left out: a limit of queries where nothing was asked, for instance. What may not decide a
    verdict calls for no defence, and neither does a goal that nobody needs.
    """
    needed = {goal for goal, r in goals.items() if r.verdict is not Verdict.NOT_ASSESSED}
    shown = [e for e in evidence if _calls_for_defence(e) and needed & set(e.goals)]
    rows = {row.name: row for row in attackers}
    found: dict[tuple[str, str, tuple[str, ...]], list[Evidence]] = {}
    for item in sorted(shown, key=lambda e: _urgency(e, goals)):
        used = _list_used(item, rows.get(item.attacker))
        for defence, reason, tries, against in remedies(item.variant):
            if not against or used & set(against):
                found.setdefault((defence, reason, tries), []).append(item)
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


def _list_used(evidence: Evidence, attacker: AttackerRow | None) -> set[str]:
    """List what an attack used of which a defence may deprive its attacker."""
    needs, found = evidence.requires, set[str]()
    if needs.knowledge.get("model") == "full":
        found.add("model")
    if attacker is None:
        return found
    if attacker.knowledge.get("model") == "full":
        found.add("model")
    elif any(trial.queries for trial in evidence.result.trials):
        found.add("questions")
        if needs.view in MORE_THAN_A_CLASS:
            found.add("scores")
    if attacker.writes == "stored":
        found.add("stored")
    full = [attacker.knowledge.get(aspect) for aspect in ("data", "model")] == ["full", "full"]
    if full:
        found.add("position")
    elif ADDS & set(needs.capabilities):
        found.add("contributions")
    return found


def _calls_for_defence(evidence: Evidence) -> bool:
    """Whether an attack was shown to do harm that counts."""
    rated = evidence.rated
    return evidence.standing.decides and rated is not None and rated.demonstrated > 0


def _urgency(evidence: Evidence, goals: Mapping[Goal, GoalRating]) -> tuple[int, int, str]:
    """Return the sort key: what decides comes first, then what did the most harm."""
    decides = any(rating.cheapest_attack == evidence.id for rating in goals.values())
    shown = evidence.rated.demonstrated if evidence.rated else 0
    return (0 if decides else 1, -shown, evidence.variant)
