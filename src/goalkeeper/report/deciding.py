"""Which attack runs decide a verdict, and the outcome of each: shown in full, or as a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from goalkeeper.core.assessment import GoalRating, Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report.language import N_, _


class RunOutcome(StrEnum):
    """The outcome of an attack run for a goal; the values are the words shown."""

    SUCCEEDS = N_("succeeds")
    INCONCLUSIVE = N_("inconclusive")
    TOO_COSTLY = N_("too costly")
    WITHSTOOD = N_("withstood")
    UNRATED = N_("not rated")


ROLES = {
    "decides": N_("It decides the verdict: nothing else that was run succeeds at a lower cost."),
    "not_met": N_(
        "It counts, and would decide alone: it succeeds as well, at the same or a higher cost."
    ),
    "inconclusive": N_(
        "It counts, and keeps the verdict open: that it succeeds cannot be excluded."
    ),
    "met": N_("It counts: the verdict rests on it, among others."),
    "none": N_("It counts, and changes nothing: the verdict rests on other attack runs."),
    "not assessed": N_("It counts for nothing here: no verdict was asked for."),
}

_OF_VERDICT = {
    Verdict.NOT_MET: RunOutcome.SUCCEEDS,
    Verdict.INCONCLUSIVE: RunOutcome.INCONCLUSIVE,
    Verdict.MET: RunOutcome.WITHSTOOD,
}


def determine_outcome(group: Sequence[Evidence], rating: GoalRating) -> RunOutcome:
    """Return the outcome of an attack run for a goal, of the attacker with the best one."""
    found = {_doubted(_outcome_of_one(evidence, rating), rating) for evidence in group}
    return next(o for o in RunOutcome if o in found)


def _doubted(outcome: RunOutcome, rating: GoalRating) -> RunOutcome:
    """Nothing was withstood where it may be another model; only a success that decided stays."""
    stays = (RunOutcome.SUCCEEDS, RunOutcome.UNRATED)
    return RunOutcome.INCONCLUSIVE if rating.doubt and outcome not in stays else outcome


def _outcome_of_one(evidence: Evidence, rating: GoalRating) -> RunOutcome:
    """Follow the rating where it names the evidence: only the rating knows the corrected bounds."""
    if rating.verdict is Verdict.NOT_ASSESSED:
        return RunOutcome.UNRATED
    if evidence.id in rating.because:
        return _OF_VERDICT[rating.verdict]
    if evidence.rated is None or evidence.status is Status.CONTROL_FAILED:
        return RunOutcome.INCONCLUSIVE
    steps = evidence.rated.trials or (evidence.rated,)
    critical = [s for s in steps if s.potential >= rating.critical]
    if any(s.attack_potential.points < rating.required for s in critical):
        # A goal is met where the same attack with more power was withstood.
        met = rating.verdict is Verdict.MET
        return RunOutcome.WITHSTOOD if met else RunOutcome.INCONCLUSIVE
    reached = any(s.demonstrated >= rating.critical for s in critical)
    return RunOutcome.TOO_COSTLY if reached else RunOutcome.WITHSTOOD


def explain_role(group: Sequence[Evidence], rating: GoalRating) -> str:
    """Say in a sentence what an attack run does for the verdict on a goal."""
    ids = {evidence.id for evidence in group}
    if rating.verdict is Verdict.NOT_ASSESSED:
        return _(ROLES["not assessed"])
    if rating.verdict is Verdict.NOT_MET and rating.cheapest_attack in ids:
        return _(ROLES["decides"])
    if ids & set(rating.because):
        return _(ROLES[str(rating.verdict)])
    return _(ROLES["none"])


def select_deciding(
    groups: Sequence[Sequence[Evidence]], goals: Mapping[Goal, GoalRating]
) -> set[int]:
    """Select the worst attack run for each goal, integrity level or aspect, and attacker.

    Returns the indices of these attack runs in `groups`. The cheapest attack of a goal is among
    them. One run per attack and task is enough: the others differ in their budgets only.
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
    for i in sorted({i for _place, i in worst.values()}):
        first.setdefault((groups[i][0].attack, groups[i][0].task), i)
    return named | set(first.values())


def _strength(evidence: Evidence, rating: GoalRating) -> tuple[float, ...]:
    """Return the sort key for one goal: deciding evidence first, then strongest, then cheapest."""
    because = rating.because
    place = because.index(evidence.id) if evidence.id in because else len(because)
    if evidence.rated is None:
        return (place, 1, 1, 0)
    rated = evidence.rated
    return (place, -rated.demonstrated, -rated.potential, rated.attack_potential.points)
