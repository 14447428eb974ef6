"""From counts to bounds: one function a kind of tally, used by games and by the rating alike."""

from __future__ import annotations

import math
from collections.abc import Callable

from goalkeeper.core.data import Bools
from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Gain,
    Latency,
    Proportion,
    Ratio,
    RatioAt,
    Tally,
)
from goalkeeper.stats.discordant import paired_difference, paired_normalised_gain
from goalkeeper.stats.intervals import (
    Interval,
    IntervalEstimate,
    clopper_pearson,
    excess,
    normalised_gain,
    proportion_lower,
    proportion_upper,
    ratio,
)
from goalkeeper.stats.latency import latency_factor
from goalkeeper.stats.paired import damage
from goalkeeper.stats.sampling import WELL_RESOLVED, resolved_rates

NULL = {
    "proportion": 0.0,
    "accuracy": 0.5,
    "gain": 0.0,
    "ratio": 1.0,
    "damage": 0.0,
    "latency": 1.0,
}
SIDE = 0.025  # error of each of the two bounds that people see
MAX_LATENCY_SPAN = 10.0  # of the upper over the lower end, of an interval that holds 1
FOREVER = 1e6  # times as long as anything measured


def paired_proportion(attack: Bools, baseline: Bools) -> Proportion:
    """Count the successes `(n,)` of an attack and of a baseline on the same items."""
    n = len(attack)
    return Proportion(
        successes=int(attack.sum()),
        n=n,
        baseline_successes=int(baseline.sum()),
        baseline_n=n,
        both=int((attack & baseline).sum()),
    )


def paired_gain(attack: Bools, baseline: Bools) -> Gain:
    """Count what an attack, and the best without access, have right of the same items `(n,)`."""
    return Gain(**paired_proportion(attack, baseline).model_dump(exclude={"kind"}))


def bounds(tally: Tally, alpha: float, *, trials: int = 1) -> Interval:
    """Bound a tally's metric from below and from above, each one-sided at level `alpha`.

    `trials` is the number of tallies of one attack run, at different budgets, among which the
    largest upper bound will be taken.
    """
    match tally:
        case Proportion(successes=k, n=n, baseline_successes=k0, both=int(both)):
            return paired_difference(k - both, k0 - both, n, alpha=alpha)
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return excess(k, n, k0, n0, alpha=alpha)
        case Accuracy(correct=k, n=n):
            return Interval(
                proportion_lower(k, n, alpha=alpha), proportion_upper(k, n, alpha=alpha)
            )
        case Gain(successes=k, n=n, baseline_successes=k0, both=int(both)):
            return paired_normalised_gain(k, k0, both, n, alpha=alpha)
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return normalised_gain(k, n, k0, n0, alpha=alpha)
        case Ratio():
            return _ratio(tally, alpha, trials)
        case DamageCount():
            harm = damage(tally.gained, tally.lost, tally.n, items=tally.items, alpha=alpha)
            return Interval(harm.low / tally.tolerance, harm.high / tally.tolerance)
        case Latency():
            found = latency_factor(tally.attack, tally.benign, q=tally.quantile, alpha=alpha)
            return Interval(found.low, found.high)


def _ratio(tally: Ratio, alpha: float, trials: int) -> Interval:
    """Take the largest lower bound (alpha split over the rates) and the largest upper bound.

    For the bound from above only rates count that the sample resolves: it would show how few
    records there are.
    """
    split = alpha / len(tally.at)
    lows = [ratio(*_counts(at), alpha=split).low for at in tally.at]
    highs = [ratio(*_counts(at), alpha=alpha).high for at in _counting(tally, alpha, trials)]
    return Interval(max(lows), max(highs))


def _counting(tally: Ratio, alpha: float, trials: int) -> list[RatioAt]:
    """List the rates that count for the estimate and the upper bound; the largest always does.

    A rate is left out where the sample does not resolve it, unless the attack beats chance there.
    A rate that is resolved, but not well, is left out where its bound is below e: models without
    any leak have such bounds there, and more records would otherwise bound less. Whether chance is
    beaten is asked of every rate and trial, so that alpha is split over them: an attack that knows
    nothing would beat chance somewhere in every tenth run otherwise.
    """
    split, rates = alpha / len(tally.at), tuple(at.fpr for at in tally.at)
    found = []
    for at in tally.at:
        well = at.fpr in resolved_rates(rates, at.negatives, WELL_RESOLVED)
        high = ratio(*_counts(at), alpha=alpha).high
        resolved = at.fpr in resolved_rates(rates, at.negatives) and high >= math.e
        beaten = ratio(*_counts(at), alpha=split / trials).low > NULL["ratio"]
        if well or resolved or beaten:
            found.append(at)
    return found


def _counts(at: RatioAt) -> tuple[int, int, int, int]:
    return at.true_positives, at.positives, at.false_positives, at.negatives


def value(tally: Tally) -> float:
    """Estimate a tally's metric."""
    match tally:
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return k / n - k0 / n0
        case Accuracy(correct=k, n=n):
            return k / n
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            base = k0 / n0
            return 0.0 if base >= 1 else (k / n - base) / (1 - base)
        case Ratio():
            rates = [
                (at.true_positives / at.positives, at.false_positives / at.negatives)
                for at in _counting(tally, SIDE, 1)
            ]
            return max((tpr / fpr for tpr, fpr in rates if fpr > 0), default=1.0)
        case DamageCount():
            net = sum(tally.gained) - sum(tally.lost)
            return net / (len(tally.gained) * tally.n) / tally.tolerance
        case Latency():
            return latency_factor(tally.attack, tally.benign, q=tally.quantile).value


def estimate_tally(tally: Tally) -> IntervalEstimate:
    """Return what people see of a tally: a value with its two-sided 95 % interval.

    A success rate is shown as it is, beside its baseline; everything else as the rated metric. A
    value outside its interval (a ratio at the threshold that is best by chance) is moved into it.
    """
    if isinstance(tally, Proportion):
        return IntervalEstimate(
            tally.successes / tally.n, *clopper_pearson(tally.successes, tally.n)
        )
    low, high = bounds(tally, SIDE)
    return IntervalEstimate(min(max(value(tally), low), high), low, high)


def bound_at(tally: Tally) -> Callable[[float], IntervalEstimate]:
    """Return what gives the metric with bounds that are each wrong with a given probability."""
    estimate = value(tally)

    def bound(tail: float) -> IntervalEstimate:
        low, high = bounds(tally, tail)
        return IntervalEstimate(min(max(estimate, low), high), low, high)

    return bound


def is_too_wide(tally: Latency) -> bool:
    """Return whether the 95 % interval of a latency, by its width, says nothing either way."""
    low, high = bounds(tally, SIDE)
    return low < NULL[tally.kind] < high and high > MAX_LATENCY_SPAN * low


def perfect_tally(tally: Tally) -> Tally:
    """Return what a perfect attack would have been counted as, all else equal."""
    match tally:
        case Proportion() | Gain():
            common = None if tally.both is None else tally.baseline_successes
            return tally.model_copy(update={"successes": tally.n, "both": common})
        case Accuracy():
            return tally.model_copy(update={"correct": tally.n})
        case Ratio():
            full = (at.model_copy(update={"true_positives": at.positives}) for at in tally.at)
            return tally.model_copy(update={"at": tuple(full)})
        case DamageCount():
            gained = tuple(tally.n for _ in tally.gained)
            lost, items = tuple(0 for _ in gained), ((len(gained), 0, tally.n),)
            return tally.model_copy(update={"gained": gained, "lost": lost, "items": items})
        case Latency():
            endless = FOREVER * max(1.0, *tally.benign)
            return tally.model_copy(update={"attack": tuple(endless for _ in tally.attack)})


def beats_baseline(tally: Tally, alpha: float = SIDE) -> bool:
    """Return whether the tally beats what no attack at all would score, beyond chance."""
    return bounds(tally, alpha).low > NULL[tally.kind]
