"""Rate a stored assessment again, and list the differences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.errors import GoalkeeperError
from goalkeeper.core.evidence import (
    AttackResult,
    Evidence,
    Gain,
    Proportion,
    Rated,
    Ratio,
    Status,
    Tally,
)
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.outcomes import Outcomes, read_ranks
from goalkeeper.games import tallies
from goalkeeper.policy import Policy, protection_need
from goalkeeper.rate._covering import grants
from goalkeeper.rate._goals import Settled, rate, settle
from goalkeeper.rate._points import bound
from goalkeeper.stats import calibrated_threshold

SHOWN_ALPHA = 0.025  # each side of a two-sided 95 % interval


def recompute(assessment: Assessment, policy: Policy) -> list[str]:
    """Rate again from the stored evidence alone, and list every difference; empty if none.

    Compared are the policy's identity, each need with its damages, the planned number of tests,
    what attack potential is computed from, every rating and verdict, and the shown intervals and
    curves with the counts they come from.
    """
    bare = [e.model_copy(update={"rated": None}) for e in assessment.evidence]
    needs = {goal: rating.need for goal, rating in assessment.goals.items()}
    counts = {goal: rating.hypotheses for goal, rating in assessment.goals.items()}
    found = list(_compare_policy(assessment, policy))
    ids = [e.id for e in bare]
    found += [
        f"evidence {id}: occurs more than once" for id in dict.fromkeys(ids) if ids.count(id) > 1
    ]
    try:
        found += [text for need in needs.values() for text in _compare_need(need, policy)]
        secrecy = assessment.application.secrecy
        evidence, goals, verdict = rate(bare, needs, policy, secrecy, counts, assessment.fit)
        found += [text for one in bare for text in _compare_requirement(one, assessment, policy)]
    except GoalkeeperError as error:
        return [*found, f"cannot be rated again: {error}"]
    found += [*_compare_plan(assessment), *_compare_rows(assessment)]
    found += [*_compare_covered(bare, assessment, policy), *_compare_left_out(assessment, policy)]
    for stored, again in zip(assessment.evidence, evidence, strict=True):
        where = f"evidence {stored.id}"
        found += _compare(f"{where}: rated", _plain(stored.rated), _plain(again.rated))
        found += [f"{where}: {text}" for text in _compare_display(stored)]
        found += [f"{where}: {text}" for text in _compare_outcomes(stored.result)]
    for goal, rating in goals.items():
        found += _compare(f"goal {goal}", _plain(assessment.goals[goal]), _plain(rating))
    return [*found, *_compare("verdict", str(assessment.verdict), str(verdict))]


def _compare_policy(assessment: Assessment, policy: Policy) -> Iterator[str]:
    """Compare the identity of the policy, and the edges where the run holds them."""
    stored = assessment.policy.model_dump(exclude_defaults=True)
    yield from _compare("policy", stored, policy.row().model_dump(include=set(stored)))


def _plain(record: Rated | GoalRating | None) -> Any:
    return None if record is None else record.model_dump()


def _compare(where: str, stored: Any, again: Any) -> Iterator[str]:
    """Compare plain data, numbers up to rounding."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in {**stored, **again}:
            yield from _compare(f"{where}.{key}", stored.get(key), again.get(key))
    elif isinstance(stored, list | tuple) and isinstance(again, list | tuple):
        if len(stored) != len(again):
            yield f"{where}: {len(stored)} entries are stored, {len(again)} recomputed"
        for i, (a, b) in enumerate(zip(stored, again, strict=False)):
            yield from _compare(f"{where}.{i}", a, b)
    elif not _same(stored, again):
        yield f"{where}: {stored} is stored, {again} recomputed"


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return bool(a == b)


def _compare_need(need: ProtectionNeed, policy: Policy) -> Iterator[str]:
    if need.damages:
        again = protection_need(
            need.goal, need.damages, need.cumulation, need.distribution, policy.rating
        )
        yield from _compare(f"goal {need.goal}.need.level", need.level, again.level)


def _compare_plan(assessment: Assessment) -> Iterator[str]:
    """Check that the error probability is divided by the number of all planned tests."""
    for goal, rating in assessment.goals.items():
        rows = [r for r in assessment.plan if r.status == "planned" and goal in r.goals]
        rows = [row for row in rows if row.standing.decides]
        planned = max(1, len({row.unit for row in rows}))
        if assessment.plan:
            yield from _compare(f"goal {goal}.hypotheses", rating.hypotheses, planned)


def _compare_rows(assessment: Assessment) -> Iterator[str]:
    """Check that looks, and what evidence may count for, were planned so before any result."""
    planned = {}
    for row in assessment.plan:
        units = [unit for unit in (row.interim, row.unit) if unit]
        for look, unit in enumerate(units, 1):
            planned[unit, row.attacker] = (look, len(units), row.standing)
    for evidence in assessment.evidence:
        before = planned.get((evidence.unit, evidence.attacker))
        if before is not None:
            look, looks, standing = before
            where = f"evidence {evidence.id}"
            yield from _compare(f"{where}: look", evidence.look, look)
            yield from _compare(f"{where}: looks", evidence.looks, looks)
            stored = evidence.standing.model_dump()
            yield from _compare(f"{where}: standing", stored, standing.model_dump())


def _compare_covered(
    evidence: Sequence[Evidence], assessment: Assessment, policy: Policy
) -> Iterator[str]:
    """Check that what is covered by another run is: the same attack was withstood there."""
    by_id = {e.id: e for e in evidence}
    for one in evidence:
        if one.status is not Status.COVERED:
            continue
        other = by_id.get(one.covered_by)
        same = other is not None and (other.attack, other.task) == (one.attack, one.task)
        same = same and other is not None and grants(other.requires, one.requires)
        if other is None or not same or other.status is not Status.TESTED:
            yield f"evidence {one.id}: {one.covered_by or 'no evidence'} does not cover it"
            continue
        for goal, rating in assessment.goals.items():
            counts = goal in one.goals and rating.need.level
            counts = counts and rating.verdict is not Verdict.NOT_MET
            secrecy, tests = assessment.application.secrecy, rating.hypotheses
            level = rating.need.level
            if counts and _left_open(settle(other, level, policy, secrecy, hypotheses=tests)):
                yield f"evidence {one.id}: {other.id} leaves open whether {goal} is met"


def _compare_left_out(assessment: Assessment, policy: Policy) -> Iterator[str]:
    """Check that what was planned is there, and what was not needed could change no verdict."""
    rows = [r for r in assessment.plan if r.status == "planned" and r.standing.decides]
    planned = Counter((r.attack, r.task, r.variant, r.attacker) for r in rows)
    there = Counter((e.attack, e.task, e.variant, e.attacker) for e in assessment.evidence)
    for key in planned - there:
        yield f"plan: {' '.join(key)} was planned, and there is no evidence of it"
    for one in assessment.evidence:
        if one.status is Status.NOT_NEEDED and one.standing.decides:
            cost = policy.rating.cost_of(
                one.requires, assessment.application.secrecy, queries=0, compute_h=0
            )
            for goal in filter(assessment.goals.__contains__, one.goals):
                rating = assessment.goals[goal]
                settled = rating.verdict is Verdict.NOT_MET or rating.doubt
                if rating.need.level and not settled and cost.points < rating.required:
                    yield f"evidence {one.id}: not needed, but it could decide {goal}"


def _left_open(settled: Settled) -> bool:
    return settled is not Settled.WITHSTOOD


def _compare_requirement(
    evidence: Evidence, assessment: Assessment, policy: Policy
) -> Iterator[str]:
    """Compare what attack potential is computed from with the attacker and the taxonomy."""
    where = f"evidence {evidence.id}: requires"
    stored = evidence.requires.model_dump()
    for row in assessment.attackers:
        if row.name == evidence.attacker:
            for name in ("window", "queries_per_day", "identities"):
                yield from _compare(f"{where}.{name}", stored[name], getattr(row, name))
    variant = policy.variant(evidence.variant)
    yield from _compare(f"{where}.expertise", stored["expertise"], variant.expertise)
    yield from _compare(f"{where}.equipment", stored["equipment"], variant.equipment)


def _compare_display(evidence: Evidence) -> Iterator[str]:
    """Compare the shown headline and curve with the counts, where they show the rated metric."""
    trials = sorted(evidence.result.trials, key=lambda trial: trial.budget)
    headline, curve = evidence.headline, evidence.result.curve
    if not trials or headline is None or headline.metric != evidence.metric:
        return
    yield from _compare_interval("headline", headline.model_dump(), trials[-1].tally)
    if curve is not None:
        shown = zip(curve.x, curve.value, curve.low, curve.high, strict=False)
        if len({len(curve.x), len(curve.value), len(curve.low), len(curve.high)}) > 1:
            yield "curve: its columns differ in length"
        at = {x: {"value": v, "low": low, "high": high} for x, v, low, high in shown}
        for trial in trials:
            if trial.budget in at:
                where = f"curve at {trial.budget:g}"
                yield from _compare_interval(where, at[trial.budget], trial.tally)


def _compare_outcomes(result: AttackResult) -> Iterator[str]:
    """Compare the outcomes of single items with the counts at the largest budget."""
    if result.outcomes is None or not result.trials:
        return
    hits, beside = result.outcomes.hits, result.outcomes.beside
    tally = max(result.trials, key=lambda trial: trial.budget).tally
    if isinstance(tally, Proportion | Gain):
        counted = (hits.count("1"), len(hits))
        yield from _compare("outcomes", counted, (tally.successes, tally.n))
        if beside and tally.both is not None:
            yield from _compare("outcomes beside", beside.count("1"), tally.baseline_successes)
    elif isinstance(tally, Ratio):
        rates = len(tally.at)  # a record above the threshold of one is above those of all larger
        for i, at in enumerate(tally.at):
            above = [part for hit, part in zip(hits, beside, strict=True) if int(hit) >= rates - i]
            counted = (above.count("1"), above.count("0"))
            yield from _compare("outcomes", counted, (at.true_positives, at.false_positives))
        yield from _compare_ranks(result.outcomes, tally)


def _compare_ranks(outcomes: Outcomes, tally: Ratio) -> Iterator[str]:
    """Compare the thresholds that scores exceed with their ranks."""
    if not outcomes.ranks:
        return
    ranks, parts = read_ranks(outcomes), np.array(list(outcomes.beside))
    cuts = [calibrated_threshold(ranks[parts == "2"], at.fpr) for at in tally.at]
    exceeded = np.sum([ranks > cut for cut in cuts], axis=0)
    if outcomes.hits != "".join(map(str, exceeded.tolist())):
        yield "outcomes: the stored thresholds that scores exceed do not follow from their ranks"


def _compare_interval(where: str, shown: Mapping[str, Any], tally: Tally) -> Iterator[str]:
    low, high = bound(tally, SHOWN_ALPHA)
    if math.isinf(low) and math.isinf(high):  # no trials, so there is no estimate either
        return
    for name, number in tallies.estimate_tally(tally)._asdict().items():
        yield from _compare(f"{where}.{name}", shown[name], number)
