"""What would settle a goal that is inconclusive, and how long it takes, by what this run took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goalkeeper.core.assessment import GoalRating, NextStep, PlanRow, Verdict
from goalkeeper.core.evidence import Evidence, Latency, Ratio, Status, Tally
from goalkeeper.core.goals import Goal
from goalkeeper.policy import Policy
from goalkeeper.rate._goals import criteria_of, points_of_all
from goalkeeper.rate._points import ExposurePoint, PassCriteria, Secrecy
from goalkeeper.rate._words import expect_at, sample_factor

ABOUT_TRAINING = ("attribute", "inversion", "artefact_leak", "linkage")  # families
AGAIN = 4  # times the sample that is proposed where an attack did not pass its own checks


def next_steps(
    evidence: Sequence[Evidence],
    goals: Mapping[Goal, GoalRating],
    plan: Sequence[PlanRow],
    parts: Mapping[str, int],
    rules: tuple[Policy, Secrecy],
) -> dict[Goal, NextStep]:
    """Find the cheapest next step for each goal that is inconclusive.

    Seconds are in proportion to what the attack runs took here: the sample of each is what it
    spends most of its time on. Where the model is in doubt, or nothing is known of how long the
    step takes, there is none.

    Parameters
    ----------
    evidence, goals, plan
        What was found, rated, and planned.
    parts
        Numbers of records of the parts of the data.
    rules
        The policy, and how well is kept what an attack needs to know.
    """
    found = {}
    for goal, rating in goals.items():
        if rating.verdict is Verdict.INCONCLUSIVE and not rating.doubt:
            step = _continue(goal, evidence, plan) or _enlarge(rating, evidence, parts, rules)
            if step is not None:
                found[goal] = step
    return found


def _continue(goal: Goal, evidence: Sequence[Evidence], plan: Sequence[PlanRow]) -> NextStep | None:
    """Return that attack runs are missing; each as long as those of this run on average."""
    took = {e.unit: e.result.took for e in evidence if e.unit and e.result.took}
    cut = {e.unit for e in evidence if e.result.limited}
    rows = [r for r in plan if r.unit and goal in r.goals and r.standing.decides]
    settled = {e.id for e in evidence if e.status is not Status.NOT_TESTED or e.result.took}
    missing = {r.unit for r in rows if r.evidence and r.evidence not in settled} | (
        cut & {r.unit for r in rows}
    )
    if not missing or not took:
        return None
    seconds = len(missing) * sum(took.values()) / len(took)
    return NextStep(kind="continue", runs=len(missing), seconds=seconds)


def _enlarge(
    rating: GoalRating,
    evidence: Sequence[Evidence],
    parts: Mapping[str, int],
    rules: tuple[Policy, Secrecy],
) -> NextStep | None:
    """Return the larger sample that settles the goal by itself in the least time, if there is one.

    Else the least time that one of the open attack runs needs.
    """
    policy, secrecy = rules
    level, criteria = rating.need.level, criteria_of(rating.need.level, policy, rating.hypotheses)
    counted = [e for e in evidence if rating.goal in e.goals and e.standing.decides]
    points = points_of_all(counted, level, policy, secrecy, rating.hypotheses)
    undecided = [p for p in criteria.undecided(points) if p.evidence.result.took]
    found = [s for p in undecided if (s := _step(p, criteria, policy)) is not None]
    every = [_with_costs(s, evidence, parts) for s in found]
    units = {s.unit: s for s in every}
    open_ = len({p.evidence.unit for p in criteria.undecided(points)})
    alone = [s for s in units.values() if s.settles or open_ == 1]
    best = min(alone or units.values(), key=lambda s: s.seconds, default=None)
    if best is None:
        return None
    return best.model_copy(
        update={
            "settles": bool(alone),
            "runs": open_,
            "seconds_of_all": sum(s.seconds for s in units.values()),
        }
    )


def _step(point: ExposurePoint, criteria: PassCriteria, policy: Policy) -> NextStep | None:
    """Return the larger sample that settles an attack run; None: none is expected to."""
    one = point.evidence
    failed = one.status is Status.CONTROL_FAILED
    factor = AGAIN if failed else sample_factor(point, criteria, policy)
    if factor is None:
        return None
    shown = not failed and expect_at(point, factor, criteria, policy) >= criteria.critical
    return NextStep(
        kind="enlarge",
        attack=one.attack,
        attacker=one.attacker,
        unit=one.unit,
        factor=factor,
        settles=shown,
        seconds=0,
    )


def _with_costs(step: NextStep, evidence: Sequence[Evidence], parts: Mapping[str, int]) -> NextStep:
    """Add what a step takes: models that another attack run trained are trained again for it."""
    one = next(e for e in evidence if e.unit == step.unit)
    alike = [e for e in evidence if e.game == one.game and e.result.cost.models]
    each = max((e.result.took / e.result.cost.models for e in alike), default=0.0)
    models = one.result.cost.models
    update = {
        "models": (step.factor - 1) * models,
        "records": _records_missing(one, step.factor, parts),
        "seconds": step.factor * max(one.result.took, models * each),
    }
    return step.model_copy(update=update)


def _records_missing(evidence: Evidence, factor: int, parts: Mapping[str, int]) -> int:
    """Say how many records are needed where there are not so many; 0: there are.

    More effort takes larger samples of the records that there are, and makes no new ones.
    """
    needed = factor * max((_count(t.tally) for t in evidence.result.trials), default=0)
    there = [parts[name] for name in _parts_of(evidence) if name in parts]
    return needed if needed > min(there, default=needed) else 0


def _count(tally: Tally) -> int:
    """Count the records of a sample, on each side where two are compared."""
    if isinstance(tally, Ratio):
        return min(min(at.positives, at.negatives) for at in tally.at)
    return 0 if isinstance(tally, Latency) else tally.n


def _parts_of(evidence: Evidence) -> tuple[str, ...]:
    """Name the parts of the data that a sample is drawn from."""
    if evidence.family == "membership":
        return "train", "holdout"
    return ("train",) if evidence.family in ABOUT_TRAINING else ("holdout",)
