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

    For each goal, what helps against the attack that decides it comes before what helps against
    others. Of one attack, what has the most effect comes first, and what has none on what this
    attack used is left out: a limit of queries where nothing was asked, for instance. What may not
    decide a verdict calls for no defence, and neither does a goal that nobody needs.
    """
    needed = {goal for goal, r in goals.items() if r.verdict is not Verdict.NOT_ASSESSED}
    shown = [e for e in evidence if _calls_for_defence(e) and needed & set(e.goals)]
    rows = {row.name: row for row in attackers}
    decisive: Found = {}
    places: dict[Key, int] = {}  # the best of each defence against an attack that decides
    others: Found = {}
    for item in sorted(shown, key=lambda e: _urgency(e, goals)):
        decides = [g for g in item.goals if g in needed and goals[g].cheapest_attack == item.id]
        used = _list_used(item, rows.get(item.attacker))
        fits = [r for r in remedies(item.variant) if not r[3] or used & set(r[3])]
        for place, (defence, reason, tries, _) in enumerate(fits):
            key = defence, reason, tries
            _note(decisive, key, item, decides)
            _note(others, key, item, [g for g in item.goals if g in needed])
            if decides:
                places[key] = min(place, places.get(key, place))
    for key, (goals_of, _) in decisive.items():
        rest = others[key]
        rest[0][:] = [g for g in rest[0] if g not in goals_of]
    first = sorted(decisive.items(), key=lambda noted: places[noted[0]])
    every = [*first, *others.items()]
    return tuple(_advice(key, *noted) for key, noted in every if noted[0])


Key = tuple[str, str, tuple[str, ...]]  # defence, reason, what tries it
Found = dict[Key, tuple[list[Goal], list[Evidence]]]


def _note(found: Found, key: Key, item: Evidence, goals: Sequence[Goal]) -> None:
    """Note that a defence is for these goals, if any."""
    if goals:
        known, items = found.setdefault(key, ([], []))
        known += [goal for goal in goals if goal not in known]
        items.append(item)


def _advice(key: Key, goals: Sequence[Goal], items: Sequence[Evidence]) -> Advice:
    defence, reason, tries = key
    return Advice.model_validate(
        {
            "defence": defence,
            "for": tuple(goals),
            "reason": reason,
            "tries": tries,
            "variants": tuple(dict.fromkeys(e.variant for e in items)),
        }
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
