"""The rating of one piece of evidence, of one goal, and of the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import accumulate

from goalkeeper.core.assessment import Bracket, GoalRating, Verdict
from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import (
    Evidence,
    Gain,
    Proportion,
    Rated,
    RatedTrial,
    Status,
    Trial,
)
from goalkeeper.core.fit import FitReport
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.policy import Policy
from goalkeeper.rate._covering import is_covered
from goalkeeper.rate._doubt import cast_doubt
from goalkeeper.rate._looks import share_of
from goalkeeper.rate._points import (
    ExposurePoint,
    PassCriteria,
    Secrecy,
    bound,
    excludes,
    nothing_to_be_had,
)
from goalkeeper.rate._words import deciding_evidence, explain, list_gaps

ORDER = (Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET, Verdict.NOT_ASSESSED)


def rate_evidence(
    evidence: Evidence, need: int, policy: Policy, secrecy: Secrecy, *, hypotheses: int
) -> Rated | None:
    """Rate one piece of evidence on the exposure scale; None where it shows nothing.

    A control that failed says that the attack is too weak to prove safety: nothing bounds the
    exposure from above, but what the attack reached nevertheless, at its lower bound over the
    baseline, is shown. Nothing is shown where a control failed that `voids` the result, because
    it is doubtful whether it was the attack that reached it.

    The demonstrated level comes from a lower bound at `alpha / hypotheses`, where `hypotheses`
    is the number of planned tests of the goal, fixed before the run. (Dividing by the number of
    tests that were completed would weaken the bounds with each new result, so that adding
    evidence could improve a verdict.) The potential level comes from an upper bound at `alpha`.
    Each look at a growing sample has its share of both.

    Trials are tested in fixed sequence from the largest budget down, so that the demonstrated
    level of a trial is the minimum over its own and all larger budgets, without further
    correction. What cannot be excluded at a smaller budget cannot be excluded at a larger one:
    the potential level is the maximum over its own and all smaller budgets. From its budget on,
    a verified success raises both levels to the minimum that the policy's existence rule sets.

    Raises
    ------
    PolicyError
        The policy does not define the metric, or rates it by another kind of tally.
    """
    trials = sorted(evidence.result.trials, key=lambda trial: trial.budget)
    if not _shows(evidence) or not trials:
        return None
    rules = policy.rating
    _check_kind(evidence, policy)
    bounds = _bounds(evidence, trials, rules.alpha, hypotheses)
    levels = _levels(evidence, trials, bounds, need, policy)
    rated = tuple(
        RatedTrial(
            budget=trial.budget,
            low=low,
            high=high,
            demonstrated=shown,
            potential=possible,
            attack_potential=rules.cost_of(
                evidence.requires, secrecy, queries=trial.queries, compute_h=trial.compute_h
            ),
        )
        for trial, (low, high), (shown, possible) in zip(trials, bounds, levels, strict=True)
    )
    return Rated(
        metric=evidence.metric,
        demonstrated=rated[-1].demonstrated,
        potential=rated[-1].potential,
        attack_potential=rated[-1].attack_potential,
        trials=rated,
    )


def _bounds(
    evidence: Evidence, trials: Sequence[Trial], alpha: float, hypotheses: int
) -> list[tuple[float, float]]:
    """Bound the metric of each trial on both sides, by the share of alpha that the look has."""
    alpha *= share_of(evidence)
    lows = [bound(trial.tally, alpha / max(1, hypotheses))[0] for trial in trials]
    highs = [bound(trial.tally, alpha, len(trials))[1] for trial in trials]
    if not excludes(evidence):
        highs = [math.inf] * len(trials)
    return list(zip(lows, highs, strict=True))


def _levels(
    evidence: Evidence,
    trials: Sequence[Trial],
    bounds: Sequence[tuple[float, float]],
    need: int,
    policy: Policy,
) -> list[tuple[int, int]]:
    """Put the bounds of trials, by rising budget, on the exposure scale."""
    rules, metric = policy.rating, evidence.metric
    floor = rules.existence_rule.get(need, 0)
    floors = list(accumulate((floor if _exists(trial) else 0 for trial in trials), max))
    shown = list(accumulate((rules.level(metric, low) for low, _ in reversed(bounds)), min))
    possible = list(accumulate((rules.level(metric, high) for _, high in bounds), max))
    if not excludes(evidence):
        status = evidence.status if evidence.status is not Status.TESTED else Status.NOT_TESTED
        possible = [rules.interval(status)[1]] * len(trials)
    return [
        (max(shown[-1 - i], floors[i]), max(possible[i], floors[i])) for i in range(len(trials))
    ]


class Settled(StrEnum):
    """What a piece of evidence settles for a goal: a success, that there is none, or neither.

    `withstood`: the attack was tested and reaches nothing critical, whatever it costs. `excluded`:
    the attack is not applicable, or costs too much to decide. That says nothing of attackers who
    need less for it.
    """

    SHOWN = "shown"
    WITHSTOOD = "withstood"
    EXCLUDED = "excluded"
    OPEN = "open"


def settle(
    evidence: Evidence, need: int, policy: Policy, secrecy: Secrecy, *, hypotheses: int
) -> Settled:
    """Return what a piece of evidence settles for a goal of this need, all other evidence aside."""
    criteria = criteria_of(need, policy, hypotheses)
    points = points_of(evidence, need, policy, secrecy, hypotheses)
    if any(p.cost < criteria.required for p in criteria.demonstrated(points)):
        return Settled.SHOWN
    possible = criteria.not_excluded(points)
    if any(p.cost < criteria.required for p in possible):
        return Settled.OPEN
    tested = any(p.tested for p in points)
    return Settled.WITHSTOOD if tested and not possible else Settled.EXCLUDED


def rate_goal(
    goal: Goal,
    need: ProtectionNeed,
    evidence: Sequence[Evidence],
    policy: Policy,
    secrecy: Secrecy,
    hypotheses: int,
) -> GoalRating:
    """Rate one goal from the evidence that counts for it: the worst case, without averaging.

    Evidence counts if its standing is `decides`: other evidence neither shows nor leaves open
    that the goal is not met.
    Not met: an attack below the required attack potential was shown to reach the critical
    exposure level. Met: every attack that may reach the critical level costs at least the
    required attack potential, or all of them were ruled out because nothing is to be had, which
    was measured. Otherwise, and whenever nothing was tested, inconclusive.
    """
    rules, level = policy.rating, need.level
    counted = [e for e in evidence if goal in e.goals and e.standing.decides]
    points = points_of_all(counted, level, policy, secrecy, hypotheses)
    criteria = criteria_of(level, policy, hypotheses)
    shown = min((p.cost for p in criteria.demonstrated(points)), default=math.inf)
    possible = min((p.cost for p in criteria.not_excluded(points)), default=math.inf)
    tested = any(p.tested for p in points) or nothing_to_be_had(points) is not None
    if level and not tested:
        possible = 0
    verdict = _verdict(level, shown, possible, criteria)
    untested = rules.interval(Status.NOT_TESTED) if level and not tested else (0, 0)
    first = [*criteria.demonstrated(points), *criteria.not_excluded(points)]
    # What costs more decides nothing: shown, it would contradict a goal that is met.
    within = [p for p in points if p.cost < criteria.required] if level else points
    return GoalRating(
        goal=goal,
        need=need,
        required=criteria.required,
        critical=criteria.critical,
        verdict=verdict,
        risk=Bracket(low=rules.risk(level, shown), high=rules.risk(level, possible)),
        demonstrated=shown,
        potential=possible,
        exposure=Bracket(
            low=max([untested[0], *(p.demonstrated for p in within)]),
            high=max([untested[1], *(p.potential for p in within)]),
        ),
        cheapest_attack=first[0].evidence.id if first else "",
        because=deciding_evidence(verdict, points, criteria),
        reason=explain(verdict, points, criteria, policy),
        attackers=tuple(dict.fromkeys(e.attacker for e in counted)),
        not_tested=list_gaps(points, criteria, policy) if level else (),
        hypotheses=max(1, hypotheses),
    )


def points_of_all(
    evidence: Sequence[Evidence], need: int, policy: Policy, secrecy: Secrecy, hypotheses: int
) -> list[ExposurePoint]:
    """List the points of evidence on one goal.

    A run that settles nothing is left out where the same attack with more power was withstood.
    """
    found = [settle(e, need, policy, secrecy, hypotheses=hypotheses) for e in evidence]
    both = list(zip(evidence, found, strict=True))
    withstood = [e for e, settled in both if settled is Settled.WITHSTOOD]
    kept = (
        e
        for e, settled in both
        if settled is not Settled.OPEN or not e.result.trials or not is_covered(e, withstood)
    )
    return [p for e in kept for p in points_of(e, need, policy, secrecy, hypotheses)]


def rate(
    evidence: Sequence[Evidence],
    needs: Mapping[Goal, ProtectionNeed],
    policy: Policy,
    secrecy: Secrecy,
    hypotheses: Mapping[Goal, int],
    fit: FitReport | None = None,
) -> tuple[tuple[Evidence, ...], dict[Goal, GoalRating], Verdict]:
    """Rate every goal that has a need, and the application by its worst goal.

    Evidence is returned with `rated` filled in, as it counts for the first of its goals that is
    assessed (of a need above 0). `hypotheses` must have an entry for every goal of `needs`. Where
    `fit` says that the model may not be the user's, no goal is met; None: it was not measured.
    """
    rated = []
    for one in evidence:
        declared = sorted((g for g in one.goals if g in needs), key=lambda g: not needs[g].level)
        need, count = (needs[declared[0]].level, hypotheses[declared[0]]) if declared else (0, 1)
        result = rate_evidence(one, need, policy, secrecy, hypotheses=count)
        rated.append(one.model_copy(update={"rated": result}))
    goals = {
        goal: rate_goal(goal, needs[goal], evidence, policy, secrecy, hypotheses[goal])
        for goal in Goal
        if goal in needs
    }
    if fit is not None and fit.doubtful:
        goals = {goal: cast_doubt(rating, fit, policy) for goal, rating in goals.items()}
    overall = min((g.verdict for g in goals.values()), key=ORDER.index, default=ORDER[-1])
    return tuple(rated), goals, overall


def criteria_of(need: int, policy: Policy, hypotheses: int) -> PassCriteria:
    rules = policy.rating
    return PassCriteria(
        required=rules.required_attack_potential[need] if need else 0,
        critical=rules.critical_level[need] if need else max(rules.exposure_levels) + 1,
        alpha=rules.alpha,
        split=rules.alpha / max(1, hypotheses),
    )


def points_of(
    evidence: Evidence, need: int, policy: Policy, secrecy: Secrecy, hypotheses: int
) -> list[ExposurePoint]:
    """List the rated trials; for an untested attack, the policy's interval at minimum cost.

    An attack whose control failed, or that the time limit ended, has both: what it reached, and
    what nobody can exclude. What is covered by a stronger attacker's run is rated there.
    """
    if evidence.status is Status.COVERED:
        return []
    rated = rate_evidence(evidence, need, policy, secrecy, hypotheses=hypotheses)
    open_ = []
    if rated is None or not excludes(evidence):
        status = Status.NOT_TESTED if evidence.status is Status.TESTED else evidence.status
        low, high = policy.rating.interval(status)
        cost = policy.rating.cost_of(evidence.requires, secrecy, queries=0, compute_h=0).points
        open_ = [ExposurePoint(evidence=evidence, demonstrated=low, potential=high, cost=cost)]
    trials = sorted(evidence.result.trials, key=lambda trial: trial.budget) if rated else []
    return open_ + [
        ExposurePoint(
            evidence=evidence,
            demonstrated=one.demonstrated,
            potential=one.potential,
            cost=one.attack_potential.points,
            trial=trial,
        )
        for one, trial in zip(rated.trials if rated else (), trials, strict=True)
    ]


def _shows(evidence: Evidence) -> bool:
    """Return whether the counts of evidence show harm, if not its absence."""
    if evidence.status is Status.CONTROL_FAILED:
        return all(c.passed or not c.voids for c in evidence.result.controls)
    return evidence.status is Status.TESTED


def _exists(trial: Trial) -> bool:
    """Return whether a success was verified that is the attack's own.

    Where attack and baseline had the same items, what the baseline reached as well is not.
    """
    tally = trial.tally
    if isinstance(tally, Proportion | Gain) and tally.both is not None:
        return bool(trial.verified) and tally.successes > tally.both
    return bool(trial.verified)


def _check_kind(evidence: Evidence, policy: Policy) -> None:
    policy.rating.level(evidence.metric, 0.0)
    wanted = policy.rating.metrics[evidence.metric].tally
    for trial in evidence.result.trials:
        if wanted and trial.tally.kind != wanted:
            raise PolicyError(
                f"{evidence.id}: the policy rates {evidence.metric} by tallies of kind {wanted}, "
                f"but the game returned one of kind {trial.tally.kind}"
            )


def _verdict(need: int, shown: float, possible: float, criteria: PassCriteria) -> Verdict:
    if not need:
        return Verdict.NOT_ASSESSED
    if shown < criteria.required:
        return Verdict.NOT_MET
    return Verdict.MET if possible >= criteria.required else Verdict.INCONCLUSIVE
