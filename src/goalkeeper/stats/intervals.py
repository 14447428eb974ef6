"""Interval estimates of proportions, of what is computed from two of them, and of means."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from goalkeeper.stats._check import require_counts, require_share
from goalkeeper.stats._exact import exact_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

JOINED_SHARE = 0.85  # of alpha, at which the bounds of two samples are joined
Side = Literal["two", "lower", "upper"]


class Interval(NamedTuple):
    """A lower and an upper confidence bound, in the unit of what they bound."""

    low: float
    high: float


class IntervalEstimate(NamedTuple):
    """A point estimate with its lower and upper confidence bound."""

    value: float
    low: float
    high: float


def clopper_pearson(k: float, n: int, *, alpha: float = 0.05, side: Side = "two") -> Interval:
    """Bound a proportion exactly.

    Parameters
    ----------
    k : float
        Successes; real-valued for counts averaged over repetitions (beta quantiles).
    n : int
        Independent tries.
    alpha : float
        Error probability: of both bounds together for side "two", of the one bound otherwise.
    side : {"two", "lower", "upper"}
        "lower" gives `(low, 1.0)`, "upper" gives `(0.0, high)`.

    Raises
    ------
    ValueError
        If `n` is 0 (no try was made: treat the result as inconclusive), `k` is outside
        `[0, n]`, `alpha` is outside (0, 1) or `side` is unknown.

    References
    ----------
    C. J. Clopper, E. S. Pearson (1934), "The use of confidence or fiducial limits illustrated
    in the case of the binomial", Biometrika 26, 404-413.
    """
    require_counts(k, n)
    require_share("alpha", alpha)
    if side not in ("two", "lower", "upper"):
        raise ValueError(f"unknown side {side!r}; give 'two', 'lower' or 'upper'")
    low, high = exact_bounds(k, n, alpha / 2 if side == "two" else alpha)
    return Interval(0.0 if side == "upper" else float(low), 1.0 if side == "lower" else float(high))


def proportion_lower(k: float, n: int, *, alpha: float = 0.05) -> float:
    """Bound a proportion from below: wrong with probability `alpha` at most.

    Raises
    ------
    ValueError
        As `clopper_pearson`.
    """
    return clopper_pearson(k, n, alpha=alpha, side="lower").low


def proportion_upper(k: float, n: int, *, alpha: float = 0.05) -> float:
    """Bound a proportion from above: wrong with probability `alpha` at most.

    Raises
    ------
    ValueError
        As `clopper_pearson`.
    """
    return clopper_pearson(k, n, alpha=alpha, side="upper").high


def excess(k1: float, n1: int, k0: float, n0: int, *, alpha: float = 0.05) -> Interval:
    """Bound how far a success rate `p1` exceeds a baseline's `p0`: the difference `p1 - p0`.

    Each of the two bounds holds with probability `1 - alpha` on its own, for independent
    samples. The distances of the two Clopper-Pearson bounds from their rates are squared and
    added (Zou and Donner). They are taken at 0.85 of `alpha`: so no bound was wrong more often
    than `alpha` in exact sums over all outcomes. For the same items take `paired_difference`.

    Parameters
    ----------
    k1, n1 : float, int
        Successes and tries of the attack.
    k0, n0 : float, int
        Successes and tries of the baseline.

    Raises
    ------
    ValueError
        As `clopper_pearson`.

    References
    ----------
    G. Y. Zou, A. Donner (2008), "Construction of confidence limits about effect measures: a
    general approach", Statistics in Medicine 27, 1693-1702.
    """
    attack, base = _one_sided(k1, n1, alpha), _one_sided(k0, n0, alpha)
    value = attack.value - base.value
    below = math.hypot(attack.below, base.above)
    above = math.hypot(attack.above, base.below)
    return Interval(max(-1.0, value - below), min(1.0, value + above))


def normalised_gain(k1: float, n1: int, k0: float, n0: int, *, alpha: float = 0.05) -> Interval:
    """Bound the share of what the baseline leaves open that an attack gains: `(a - b) / (1 - b)`.

    It is 1 less the ratio of the failures, and bounded as that `ratio` is: each bound holds with
    probability `1 - alpha` on its own, for independent samples. Where the baseline may have left
    nothing open (`b` not bounded away from 1, as after `n0` successes of `n0`), nothing bounds
    the gain from below and `low` is minus infinity. `high` is 1 at most; neither is ever NaN.
    For the same items take `paired_normalised_gain`.

    Parameters
    ----------
    k1, n1 : float, int
        Successes and tries of the attack.
    k0, n0 : float, int
        Successes and tries of the best attacker without access to the target.

    Raises
    ------
    ValueError
        As `clopper_pearson`.

    References
    ----------
    A. Donner, G. Y. Zou (2012), as `ratio`.
    """
    failures = ratio(n1 - k1, n1, n0 - k0, n0, alpha=alpha)
    return Interval(1.0 - failures.high, 1.0 - failures.low)


def ratio(tp: float, positives: int, fp: float, negatives: int, *, alpha: float = 0.05) -> Interval:
    """Bound the likelihood ratio TPR / FPR of a call at one pre-chosen threshold.

    Each bound holds with probability `1 - alpha` on its own, for independent samples: it is the
    ratio r at which the bound of `TPR - r * FPR`, made as in `excess`, is 0. `high` is infinite
    if no false positive was seen.

    Parameters
    ----------
    tp, positives : float, int
        True positives among the positives.
    fp, negatives : float, int
        False positives among the negatives.

    Raises
    ------
    ValueError
        As `clopper_pearson`.

    References
    ----------
    A. Donner, G. Y. Zou (2012), "Closed-form confidence intervals for functions of the normal
    mean and standard deviation", Statistical Methods in Medical Research 21, 347-359.
    """
    hit, alarm = _one_sided(tp, positives, alpha), _one_sided(fp, negatives, alpha)
    product = hit.value * alarm.value
    # (hit - r alarm)^2 = a^2 + r^2 b^2, with the distances a and b of the two bounds: of its two
    # solutions r the one below the estimate, and the one above it.
    low = 0.0
    if hit.value > 0:
        left = hit.value**2 - hit.below**2
        root = math.sqrt(max(0.0, product**2 - (alarm.value**2 - alarm.above**2) * left))
        low = left / (product + root)
    high = math.inf
    if alarm.below < alarm.value:
        right = alarm.value**2 - alarm.below**2
        root = math.sqrt(max(0.0, product**2 - right * (hit.value**2 - hit.above**2)))
        high = (product + root) / right
    return Interval(low, high)


def subtract(
    first: IntervalEstimate, second: IntervalEstimate, *, correlation: float = 0.0
) -> IntervalEstimate:
    """Bound the difference of two quantities: distances are squared and added.

    Each bound holds with about the probability of the given ones.

    Parameters
    ----------
    first, second : IntervalEstimate
        Values in one unit, with bounds at one and the same error.
    correlation : float
        Of the two estimates; 0 where they are independent.

    References
    ----------
    G. Y. Zou (2007), "Toward using confidence intervals to compare correlations", Psychological
    Methods 12, 399-413, equation 13; for independent quantities Zou and Donner, as in `excess`.
    """
    value = first.value - second.value
    below = _join(first.value - first.low, second.high - second.value, correlation)
    above = _join(first.high - first.value, second.value - second.low, correlation)
    return IntervalEstimate(value, value - below, value + above)


def _join(one: float, other: float, correlation: float) -> float:
    """Give the distance of a bound of a difference from those of both quantities."""
    if correlation == 0 or math.isinf(one) or math.isinf(other):
        return math.hypot(one, other)
    return math.sqrt(max(0.0, one**2 + other**2 - 2 * correlation * one * other))


class _Reach(NamedTuple):
    """A rate, and how far its one-sided bounds are below and above it."""

    value: float
    below: float
    above: float


def _one_sided(k: float, n: int, alpha: float) -> _Reach:
    low, high = clopper_pearson(k, n, alpha=2 * JOINED_SHARE * min(alpha, 0.5))
    return _Reach(k / n, k / n - low, high - k / n)


def mean_t(values: ArrayLike, *, alpha: float = 0.05) -> Interval:
    """Bound a mean by Student's t interval, `alpha / 2` on each side.

    Values without any spread give an interval without width: check that they are repetitions
    and not copies.

    Parameters
    ----------
    values : (n,)
        Independent repetitions, roughly normal, in any unit.

    Raises
    ------
    ValueError
        If there are fewer than 2 values, or one is not finite.

    References
    ----------
    Student (1908), "The probable error of a mean", Biometrika 6, 1-25.
    """
    from scipy.special import stdtrit

    require_share("alpha", alpha)
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2 or not np.isfinite(sample).all():
        raise ValueError(
            f"need a vector of at least 2 finite values, got {sample.size} in shape "
            f"{sample.shape}; repeat the experiment, or treat the mean as inconclusive"
        )
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    half = float(stdtrit(sample.size - 1, 1 - alpha / 2) * error)
    return Interval(float(sample.mean()) - half, float(sample.mean()) + half)
