"""From counts to bounds: one function a kind of tally, used by games and by the rating alike."""

from __future__ import annotations

from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Gain,
    Latency,
    Proportion,
    Ratio,
    Tally,
)
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

NULL = {
    "proportion": 0.0,
    "accuracy": 0.5,
    "gain": 0.0,
    "ratio": 1.0,
    "damage": 0.0,
    "latency": 1.0,
}
# False alarms that must be expected at a rate for the ratio there to be bounded from above. Two
# counts of 100 have a ratio that is known to a factor of 1.5, with 95 % on this side.
RESOLVING_FALSE_ALARMS = 100
FOREVER = 1e6  # times as long as anything measured


def bounds(tally: Tally, alpha: float) -> Interval:
    """Bound a tally's metric from below and from above, each one-sided at level `alpha`."""
    match tally:
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return excess(k, n, k0, n0, alpha=alpha)
        case Accuracy(correct=k, n=n):
            return Interval(
                proportion_lower(k, n, alpha=alpha), proportion_upper(k, n, alpha=alpha)
            )
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return normalised_gain(k, n, k0, n0, alpha=alpha)
        case Ratio():
            return _ratio(tally, alpha)
        case DamageCount():
            harm = damage(tally.gained, tally.lost, tally.n, alpha=alpha)
            return Interval(harm.low / tally.tolerance, harm.high / tally.tolerance)
        case Latency():
            found = latency_factor(tally.attack, tally.benign, q=tally.quantile, alpha=alpha)
            return Interval(found.low, found.high)


def _ratio(tally: Ratio, alpha: float) -> Interval:
    """Take the largest lower bound (alpha split over the rates) and the largest upper bound.

    A rate is left out of the upper bound where the sample does not resolve it, unless the attack
    beats chance there: the bound from above would show how few records there are. The largest rate
    is always in.
    """
    split = alpha / len(tally.at)
    largest = max(at.fpr for at in tally.at)
    lows = []
    highs = []
    for at in tally.at:
        counts = (at.true_positives, at.positives, at.false_positives, at.negatives)
        lows.append(ratio(*counts, alpha=split).low)
        both = ratio(*counts, alpha=alpha)
        resolved = at.fpr * at.negatives >= RESOLVING_FALSE_ALARMS
        if resolved or at.fpr == largest or both.low > NULL["ratio"]:
            highs.append(both.high)
    return Interval(max(lows), max(highs))


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
                for at in tally.at
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
    value outside its interval (a ratio at a threshold that is best by chance) is moved into it.
    """
    if isinstance(tally, Proportion):
        return IntervalEstimate(
            tally.successes / tally.n, *clopper_pearson(tally.successes, tally.n)
        )
    low, high = bounds(tally, 0.025)
    return IntervalEstimate(min(max(value(tally), low), high), low, high)


def perfect_tally(tally: Tally) -> Tally:
    """Return what a perfect attack would have been counted as, all else equal."""
    match tally:
        case Proportion() | Gain():
            return tally.model_copy(update={"successes": tally.n})
        case Accuracy():
            return tally.model_copy(update={"correct": tally.n})
        case Ratio():
            full = (at.model_copy(update={"true_positives": at.positives}) for at in tally.at)
            return tally.model_copy(update={"at": tuple(full)})
        case DamageCount():
            gained = tuple(tally.n for _ in tally.gained)
            return tally.model_copy(update={"gained": gained, "lost": tuple(0 for _ in gained)})
        case Latency():
            endless = FOREVER * max(1.0, *tally.benign)
            return tally.model_copy(update={"attack": tuple(endless for _ in tally.attack)})


def beats_baseline(tally: Tally, alpha: float = 0.025) -> bool:
    """Return whether the tally beats what no attack at all would score, beyond chance."""
    return bounds(tally, alpha).low > NULL[tally.kind]
