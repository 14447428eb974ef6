"""The wording of a rating: deciding evidence, the reason, and what would settle open points."""

from __future__ import annotations

from collections.abc import Sequence

from goalkeeper.core.assessment import Gap, Verdict
from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Gain,
    Latency,
    Proportion,
    Ratio,
    RatioAt,
    Status,
    Tally,
)
from goalkeeper.policy import Policy
from goalkeeper.rate._looks import share_of
from goalkeeper.rate._points import (
    ExposurePoint,
    PassCriteria,
    bound,
    nothing_to_be_had,
    sort_by_cost,
)

FACTORS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MOST_NAMES = 3
FEW = 20  # of a count, whose standard deviation is more than a fifth of it


def deciding_evidence(
    verdict: Verdict, points: Sequence[ExposurePoint], criteria: PassCriteria
) -> tuple[str, ...]:
    """List the ids of the deciding evidence, strongest first."""
    if verdict is Verdict.MET:
        tested = [p for p in points if p.tested]
        check = nothing_to_be_had(points)
        ranked = sorted(tested, key=lambda p: (-p.potential, p.cost, p.evidence.id))
        ranked = [check] if check is not None else ranked
    elif verdict is Verdict.NOT_ASSESSED:
        ranked = []
    else:
        found = (
            criteria.demonstrated(points)
            if verdict is Verdict.NOT_MET
            else criteria.not_excluded(points)
        )
        ranked = [p for p in found if p.cost < criteria.required]
    return tuple(dict.fromkeys(p.evidence.id for p in ranked))


def explain(
    verdict: Verdict, points: Sequence[ExposurePoint], criteria: PassCriteria, policy: Policy
) -> str:
    """Explain the verdict in one sentence."""
    if verdict is Verdict.NOT_ASSESSED:
        return "Not assessed: no protection need was declared."
    if verdict is Verdict.NOT_MET:
        first = criteria.demonstrated(points)[0]
        return (
            f"Not met: {first.name} succeeds with attack potential {first.cost}; everything below "
            f"{criteria.required} must be withstood."
        )
    tested = len({p.evidence.id for p in points if p.tested})
    if verdict is Verdict.MET and (check := nothing_to_be_had(points)) is not None:
        return f"Met: {check.evidence.result.reason}. Every attack is ruled out by this check."
    if verdict is Verdict.MET:
        return (
            f"Met: none of the {tested} tested attacks reaches exposure level {criteria.critical} "
            f"below attack potential {criteria.required}; this holds for the tested portfolio."
            if tested > 1
            else f"Met: the one tested attack does not reach exposure level {criteria.critical} "
            f"below attack potential {criteria.required}; this holds for the tested portfolio."
        )
    undecided = criteria.undecided(points)
    if not undecided:
        return "Inconclusive: no attack was tested."
    words = [f"{p.name} ({_describe_gap(p, criteria, policy)})" for p in undecided[:MOST_NAMES]]
    omitted = [f"and {len(undecided) - MOST_NAMES} more"] if len(undecided) > MOST_NAMES else []
    return (
        f"Inconclusive: no attack below attack potential {criteria.required} was shown to reach "
        f"exposure level {criteria.critical}, but it is not excluded for "
        f"{', '.join(words + omitted)}."
    )


def list_gaps(
    points: Sequence[ExposurePoint], criteria: PassCriteria, policy: Policy
) -> tuple[Gap, ...]:
    """List untested attacks, and those that more data would settle; cheapest first."""
    settled = {p.evidence.id for p in criteria.demonstrated(points) if p.cost < criteria.required}
    wide = [p for p in criteria.undecided(points) if p.tested and p.evidence.id not in settled]
    untested = [p for p in points if not p.tested and p.evidence.id not in settled]
    untested = [p for p in untested if p.evidence.status is not Status.NOT_NEEDED]
    found = []
    for p in sort_by_cost([*wide, *untested]):
        if p.evidence.status is not Status.NOT_APPLICABLE:
            cause = "" if p.tested else p.evidence.result.reason
            text = _describe_gap(p, criteria, policy) + (f": {cause}" if cause else "")
            found.append(
                Gap(
                    variant=p.evidence.variant,
                    attacker=p.evidence.attacker,
                    reason=text,
                    evidence=p.evidence.id if p.tested else "",
                )
            )
    return tuple(dict.fromkeys(found))


def _describe_gap(point: ExposurePoint, criteria: PassCriteria, policy: Policy) -> str:
    """Describe what is open about an attack that may reach the critical level."""
    if point.trial is None or not point.tested:
        if point.evidence.status is Status.TESTED:
            limited = "stopped by the time limit" if point.evidence.result.limited else ""
            return limited or "tested, but without a result"
        return str(point.evidence.status).replace("_", " ")
    factor = sample_factor(point, criteria, policy)
    if factor is None:
        return (
            f"too close to the limit; even a sample {FACTORS[-1]} times as large is not expected "
            "to settle it"
        )
    sample = f"{factor} times the sample{_count_records(point.trial.tally, factor)}"
    return f"too little data; about {sample} would settle it at the same rate"


def _count_records(tally: Tally, factor: int) -> str:
    """Say how many records a side a sample so many times as large has, where they are compared."""
    if not isinstance(tally, Ratio):
        return ""
    fewest = min(min(at.positives, at.negatives) for at in tally.at)
    return f" ({factor * fewest:,} records a side)"


def sample_factor(point: ExposurePoint, criteria: PassCriteria, policy: Policy) -> int | None:
    """Return the sample size factor that would decide at the same rates; None beyond the last."""
    rules, metric, share = policy.rating, point.evidence.metric, share_of(point.evidence)
    if point.trial is None:
        return None
    for factor in FACTORS:
        larger = _scale_tally(point.trial.tally, factor)
        shown = rules.level(metric, bound(larger, share * criteria.split)[0])
        possible = rules.level(metric, bound(larger, share * criteria.alpha)[1])
        if shown >= criteria.critical or possible < criteria.critical:
            return factor
    return None


def expect_at(point: ExposurePoint, factor: int, criteria: PassCriteria, policy: Policy) -> int:
    """Return the exposure level that so large a sample is expected to show at the same rates."""
    if point.trial is None:
        return 0
    larger, share = _scale_tally(point.trial.tally, factor), share_of(point.evidence)
    return policy.rating.level(point.evidence.metric, bound(larger, share * criteria.split)[0])


def _scale_tally(tally: Tally, factor: int) -> Tally:
    """Give the counts to expect of a larger sample; what was never seen is not taken for 0."""
    match tally:
        case DamageCount():
            return DamageCount(
                gained=tuple(count * factor for count in tally.gained) * factor,
                lost=tuple(count * factor for count in tally.lost) * factor,
                n=tally.n * factor,
                tolerance=tally.tolerance,
                items=tuple((g * factor, v * factor, k * factor) for g, v, k in tally.items),
            )
        case Latency():
            costs = {"attack": tally.attack * factor, "benign": tally.benign * factor}
            return tally.model_copy(update=costs)
        case Ratio():
            return Ratio(at=tuple(_scale_rates(at, factor) for at in tally.at))
        case Accuracy(correct=k, n=n):
            return Accuracy(correct=_expect(k, n, factor), n=n * factor)
        case Proportion() | Gain():
            return _scale_success(tally, factor)


def _scale_rates(at: RatioAt, factor: int) -> RatioAt:
    """Give the counts to expect of a larger sample at one threshold.

    The threshold was chosen for a false-positive rate, so that a count too small to say anything is
    replaced by what chance lets expect: no false alarm among few records is not none among many.
    """
    return RatioAt(
        fpr=at.fpr,
        true_positives=round(factor * _count_or_chance(at.true_positives, at.fpr * at.positives)),
        positives=at.positives * factor,
        false_positives=round(factor * _count_or_chance(at.false_positives, at.fpr * at.negatives)),
        negatives=at.negatives * factor,
    )


def _count_or_chance(count: int, by_chance: float) -> float:
    return by_chance if max(count, by_chance) < FEW else count


def _scale_success(counts: Proportion | Gain, factor: int) -> Proportion | Gain:
    n, base_n = counts.n * factor, counts.baseline_n * factor
    successes = _expect(counts.successes, counts.n, factor)
    base = _expect(counts.baseline_successes, counts.baseline_n, factor)
    both = counts.both
    if both is not None:
        both = _expect(both, counts.n, factor)
        both = min(max(both, successes + base - n), successes, base)
    return type(counts)(
        successes=successes, n=n, baseline_successes=base, baseline_n=base_n, both=both
    )


def _expect(k: int, n: int, factor: int) -> int:
    """Give the successes to expect of `factor * n` tries, k of n seen (rate of Jeffreys)."""
    return k + round((factor - 1) * n * (k + 0.5) / (n + 1)) if n else 0
