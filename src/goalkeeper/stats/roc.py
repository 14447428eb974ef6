"""Receiver operating characteristics of scores; a score above the threshold is a positive call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goalkeeper.stats._check import as_scores, require_probability, require_share
from goalkeeper.stats.intervals import Interval, IntervalEstimate, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

# False alarms that must be expected before a rate of them is stated: the standard deviation of a
# count of 10 is a third of it.
MIN_EXPECTED_ALARMS = 10.0
COUNT_SLACK = 1e-9  # so that a whole count that rounding put just below itself is not lost


class RocCurve(NamedTuple):
    """Empirical points `(m,)` from (0, 0) to (1, 1), one for each distinct score and the end.

    Nothing is interpolated: each point is what calling scores above its threshold gives.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class ThresholdCounts(NamedTuple):
    """What calling at one threshold got right and wrong; unpack it into `ratio`."""

    tp: int
    positives: int
    fp: int
    negatives: int


class TprAtFpr(NamedTuple):
    """A true positive rate at a bounded false positive rate, all as shares.

    `resolved` is False where the negatives are too few to state such a false positive rate.
    """

    tpr: float
    low: float
    high: float
    fpr_achieved: float
    threshold: float
    resolved: bool


class AucVariance(NamedTuple):
    """DeLong's variance of an AUC, and the degrees of freedom with which it is known."""

    variance: float
    freedom: float


def auc(positive: ArrayLike, negative: ArrayLike, *, alpha: float = 0.05) -> IntervalEstimate:
    """Estimate the chance that a positive scores above a negative, ties counted half.

    The interval, `alpha / 2` on each side, spans two intervals. DeLong's, taken on the logit
    scale with the t quantile of Brunner and Munzel, is right for scores of any shape, but has
    no width at all when the samples separate and is too narrow close to that. Newcombe's
    score interval from the variance of Hanley and McNeil keeps its width there. DeLong's is
    left out where it is not defined (an AUC of 0 or 1, or scores without spread).
    Computed by sorting, O(n log n).

    Parameters
    ----------
    positive, negative : (m,), (n,)
        Scores, at least 2 each; infinite scores are allowed, NaN is not.

    Raises
    ------
    ValueError
        If there are fewer than 2 scores on one side, or a score is NaN.

    References
    ----------
    E. R. DeLong et al. (1988), Biometrics 44, 837-845; E. Brunner, U. Munzel (2000),
    Biometrical Journal 42, 17-25; J. A. Hanley, B. J. McNeil (1982), Radiology 143, 29-36;
    R. G. Newcombe (2006), Statistics in Medicine 25, 559-573 (method 5).
    """
    require_share("alpha", alpha)
    pos, neg = (
        as_scores("positive", positive, least=2),
        as_scores("negative", negative, least=2),
    )
    value = float(_placements(pos, neg).mean())
    delong = _delong(pos, neg)
    score = _newcombe(value, pos.size, neg.size, alpha)
    if value in (0.0, 1.0) or delong.variance == 0.0:
        return IntervalEstimate(value, *score)
    wald = _logit_interval(value, delong, alpha)
    return IntervalEstimate(value, min(wald.low, score.low), max(wald.high, score.high))


def delong_variance(positive: ArrayLike, negative: ArrayLike) -> float:
    """Estimate the variance of an AUC without assumptions about the scores.

    Parameters
    ----------
    positive, negative : (m,), (n,)
        Scores, at least 2 each.

    Raises
    ------
    ValueError
        As `auc`.

    References
    ----------
    E. R. DeLong et al. (1988), "Comparing the areas under two or more correlated receiver
    operating characteristic curves", Biometrics 44, 837-845; computed from ranks as in
    X. Sun, W. Xu (2014), IEEE Signal Processing Letters 21, 1389-1393.
    """
    pos, neg = (
        as_scores("positive", positive, least=2),
        as_scores("negative", negative, least=2),
    )
    return _delong(pos, neg).variance


def roc_curve(positive: ArrayLike, negative: ArrayLike) -> RocCurve:
    """Give every empirical operating point, equal scores called together.

    Parameters
    ----------
    positive, negative : (m,), (n,)
        Scores.

    Raises
    ------
    ValueError
        If one side is empty, or a score is NaN.
    """
    pos, neg = as_scores("positive", positive), as_scores("negative", negative)
    thresholds = np.append(np.unique(np.concatenate([pos, neg]))[::-1], -np.inf)
    return RocCurve(_share_above(neg, thresholds), _share_above(pos, thresholds), thresholds)


def calibrated_threshold(calibration_negative: ArrayLike, fpr: float) -> float:
    """Choose the smallest threshold that at most a share `fpr` of the negatives exceeds.

    Parameters
    ----------
    calibration_negative : (n,)
        Scores of negatives that are not used to measure the false positive rate.
    fpr : float
        Share in [0, 1].

    Returns
    -------
    float
        The threshold: one of the scores, or minus infinity where `fpr` is 1.

    Raises
    ------
    ValueError
        If there are no scores, one is NaN, or `fpr` is not a share.
    """
    require_probability("fpr", fpr)
    falling = np.sort(as_scores("calibration negative", calibration_negative))[::-1]
    # 0.29 * 100 is 28.999999999999996: without the slack one allowed alarm would be lost.
    allowed = math.floor(fpr * falling.size + COUNT_SLACK)
    return float(falling[allowed]) if allowed < falling.size else -math.inf


def counts_at_threshold(
    positive: ArrayLike, negative: ArrayLike, threshold: float
) -> ThresholdCounts:
    """Count the calls at a threshold: a score above it is a positive call.

    Parameters
    ----------
    positive, negative : (m,), (n,)
        Scores.
    threshold : float
        In the unit of the scores; choose it without looking at these scores.

    Raises
    ------
    ValueError
        If one side is empty, or a score or the threshold is NaN.
    """
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN; choose it with calibrated_threshold")
    pos, neg = as_scores("positive", positive), as_scores("negative", negative)
    tp, fp = int((pos > threshold).sum()), int((neg > threshold).sum())
    return ThresholdCounts(tp, pos.size, fp, neg.size)


def tpr_at_fpr(
    positive: ArrayLike, negative: ArrayLike, fpr: float, *, alpha: float = 0.05
) -> TprAtFpr:
    """Measure the true positive rate at the smallest threshold with a false alarm rate `<= fpr`.

    Nothing is interpolated; break ties first (`break_ties`) where a rate must be reached. The
    interval, `alpha / 2` on each side, is that of the rate at the threshold whose false alarm
    rate on further negatives is `fpr`. The threshold found here is an order statistic of the
    negatives and misses it by chance, so two distances are squared and added (Zou and Donner):
    from the Clopper-Pearson bounds of the positives, and from the rates at the two order
    statistics between which that threshold lies. Clopper-Pearson bounds alone, which take the
    threshold as known, cover 88 to 48 % instead of 95 %. `fpr_achieved` was fitted to these
    negatives and is no estimate of the rate on others.

    Parameters
    ----------
    positive, negative : (m,), (n,)
        Scores.
    fpr : float
        Allowed share of false positives, in (0, 1). `resolved` is False below 10 / n.

    Raises
    ------
    ValueError
        If one side is empty, a score is NaN, or `fpr` is outside (0, 1).

    References
    ----------
    N. Carlini et al. (2022), "Membership inference attacks from first principles", IEEE S&P;
    G. Y. Zou, A. Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    from scipy.stats import binom

    require_share("fpr", fpr)
    threshold = calibrated_threshold(negative, fpr)
    tp, positives, fp, negatives = counts_at_threshold(positive, negative, threshold)
    low, high = clopper_pearson(tp, positives, alpha=alpha)
    tpr = tp / positives
    # The number of negatives above the threshold of the true rate is binomial.
    fewest, most = (int(binom.ppf(tail, negatives, fpr)) for tail in (alpha / 2, 1 - alpha / 2))
    least = _rate_above_rank(positive, negative, fewest - 1)
    largest = _rate_above_rank(positive, negative, most)
    resolved = negatives * fpr >= MIN_EXPECTED_ALARMS - COUNT_SLACK
    return TprAtFpr(
        tpr,
        max(0.0, tpr - math.hypot(tpr - low, tpr - least)),
        min(1.0, tpr + math.hypot(high - tpr, largest - tpr)),
        fp / negatives,
        threshold,
        resolved,
    )


def _rate_above_rank(positive: ArrayLike, negative: ArrayLike, rank: int) -> float:
    """Give the share of positives above the negative that `rank` others exceed."""
    pos, falling = np.asarray(positive, np.float64), np.sort(np.asarray(negative, np.float64))[::-1]
    if rank < 0:
        return 0.0
    return float((pos > falling[rank]).mean()) if rank < len(falling) else 1.0


def simultaneous_auc(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]], *, alpha: float = 0.05
) -> dict[str, IntervalEstimate]:
    """Estimate the AUC of several groups with intervals that all hold together.

    The intervals share `alpha` (Bonferroni), so that in at most `alpha` of cases any of them
    misses its value: the largest of many groups is not taken for a finding.

    Parameters
    ----------
    groups : mapping of names to (positive, negative)
        Scores of each group, at least 2 of each kind.

    Raises
    ------
    ValueError
        As `auc`.
    """
    return {name: auc(*scores, alpha=alpha / len(groups)) for name, scores in groups.items()}


def break_ties(scores: ArrayLike, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank scores `(n,)` from 0 to n - 1, equal ones in random order.

    With ties, no threshold may reach a false alarm rate: scores that are 0 or 1 have one rate
    only. Randomised, every rate is reached, as an attacker could reach it by tossing coins.
    Rank all parts of the data together, then choose thresholds and count on the ranks.

    Raises
    ------
    ValueError
        If there are no scores, or one is NaN.
    """
    values = as_scores("given", scores)
    order = np.lexsort((rng.random(values.size), values))
    ranks = np.empty(values.size)
    ranks[order] = np.arange(values.size)
    return ranks


def advantage(positive: ArrayLike, negative: ArrayLike) -> float:
    """Give the largest TPR - FPR over all thresholds, a share.

    It is optimistic for the attacker, above 0 even for scores that know nothing, because its
    threshold is chosen on the very scores it judges. To bound an advantage, choose the
    threshold beforehand (`calibrated_threshold`) and take `excess` of the counts.

    Parameters
    ----------
    positive, negative : (m,), (n,)
        Scores.

    Raises
    ------
    ValueError
        If one side is empty, or a score is NaN.

    References
    ----------
    S. Yeom et al. (2018), "Privacy risk in machine learning", IEEE CSF.
    """
    curve = roc_curve(positive, negative)
    return float((curve.tpr - curve.fpr).max())


def _share_above(
    scores: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    above = scores.size - np.searchsorted(np.sort(scores), thresholds, side="right")
    return above / scores.size


def _placements(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give for each score the share of the others below it, ties counted half."""
    rising = np.sort(others)
    below = np.searchsorted(rising, scores, side="left")
    return (below + np.searchsorted(rising, scores, side="right")) / (2 * others.size)


def _delong(pos: NDArray[np.float64], neg: NDArray[np.float64]) -> AucVariance:
    # DeLong et al. (1988): the variance of the placements of either sample, over its size, summed.
    first = float(_placements(pos, neg).var(ddof=1)) / pos.size
    second = float(_placements(neg, pos).var(ddof=1)) / neg.size
    variance = first + second
    if variance == 0.0:
        return AucVariance(0.0, math.inf)
    # Welch-Satterthwaite, in shares of the variance so that squares cannot underflow.
    shares = (
        (first / variance) ** 2 / (pos.size - 1),
        (second / variance) ** 2 / (neg.size - 1),
    )
    return AucVariance(variance, 1.0 / sum(shares))


def _logit_interval(value: float, delong: AucVariance, alpha: float) -> Interval:
    from scipy.special import expit, logit, stdtrit

    quantile = stdtrit(delong.freedom, 1 - alpha / 2)
    # The delta method: the derivative of logit(a) is 1 / (a * (1 - a)).
    half = quantile * math.sqrt(delong.variance) / (value * (1.0 - value))
    return Interval(float(expit(logit(value) - half)), float(expit(logit(value) + half)))


def _newcombe(value: float, m: int, n: int, alpha: float) -> Interval:
    from scipy.special import ndtri

    z = float(ndtri(1 - alpha / 2))
    return Interval(_score_low(value, m, n, z), 1.0 - _score_low(1.0 - value, m, n, z))


def _score_low(value: float, m: int, n: int, z: float) -> float:
    """Solve `value - t = z * sqrt(variance at t)` for the AUC t below `value`."""
    from scipy.optimize import brentq

    def gap(t: float) -> float:
        # Hanley and McNeil (1982) for exponential scores, with Newcombe's (m + n) / 2 - 1 in place
        # of both m - 1 and n - 1, so that it does not matter which side is which.
        half = (m + n) / 2 - 1
        shape = 1.0 + half * (1.0 - t) / (2.0 - t) + half * t / (1.0 + t)
        return value - t - z * math.sqrt(t * (1.0 - t) * shape / (m * n))

    # At an AUC of 1 the equation also holds at 1 itself, where the variance is 0.
    return float(brentq(gap, 0.0, min(value, 1.0 - 1e-12))) if value > 0.0 else 0.0
