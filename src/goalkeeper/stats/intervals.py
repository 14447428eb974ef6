"""Interval estimates of proportions, of what is computed from two of them, and of means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from goalkeeper.stats._check import require_counts, require_share
from goalkeeper.stats._exact import exact_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

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

    Each of the two bounds holds with probability `1 - alpha` on its own, also where the two
    counts depend on each other: it joins two Clopper-Pearson bounds at `alpha / 2`
    (Bonferroni), hence it is conservative.

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
    """
    attack = clopper_pearson(k1, n1, alpha=alpha)
    base = clopper_pearson(k0, n0, alpha=alpha)
    return Interval(attack.low - base.high, attack.high - base.low)


def normalised_gain(k1: float, n1: int, k0: float, n0: int, *, alpha: float = 0.05) -> Interval:
    """Bound the share of what the baseline leaves open that an attack gains: `(a - b) / (1 - b)`.

    The gain rises with the attack's rate `a` and falls with the baseline's rate `b`, so each
    bound joins two Clopper-Pearson bounds at `alpha / 2` and holds with probability
    `1 - alpha` on its own. Where the baseline may have left nothing open (`b` not bounded away
    from 1, as after `n0` successes of `n0`), nothing bounds the gain from below and `low` is
    minus infinity. `high` is 1 at most; neither is ever NaN.

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
    """
    attack = clopper_pearson(k1, n1, alpha=alpha)
    base = clopper_pearson(k0, n0, alpha=alpha)
    low = -np.inf if base.high >= 1.0 else 1.0 - (1.0 - attack.low) / (1.0 - base.high)
    high = 1.0 if base.low >= 1.0 else 1.0 - (1.0 - attack.high) / (1.0 - base.low)
    return Interval(float(low), float(high))


def ratio(tp: float, positives: int, fp: float, negatives: int, *, alpha: float = 0.05) -> Interval:
    """Bound the likelihood ratio TPR / FPR of a call at one pre-chosen threshold.

    Each bound joins two Clopper-Pearson bounds at `alpha / 2` and holds with probability
    `1 - alpha` on its own. `high` is infinite if no false positive was seen.

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
    """
    hit = clopper_pearson(tp, positives, alpha=alpha)
    alarm = clopper_pearson(fp, negatives, alpha=alpha)
    high = hit.high / alarm.low if alarm.low > 0.0 else np.inf
    return Interval(hit.low / alarm.high, float(high))


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
