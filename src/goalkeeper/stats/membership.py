"""Membership scores of many target models at once, from the signals of one set of models.

Given are N models, their signals `(N, n)` on n records, and which model saw which record
`(N, n)`. Every model is taken as the target in turn and scored with the help of the N - 1 others,
or one target outside the set is scored with the help of all N. A higher score means "member".

Rules of all scores:

- NaN or infinite signals raise ValueError.
- A record that no other model saw, or that all saw, has nothing to compare with: its score is NaN.
  What counts scores (`auc` and its like) refuses NaN, so that it is never taken for an answer.
- Equal signals have a standard deviation of exactly 0, which counts as 1e-30.
- Signals may be float32; sums are float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from goalkeeper.stats._sides import Moments, Side, checked, scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Location = Literal["mean", "median"]
Variance = Literal["record", "pooled", "global"]

PRIOR = 4.0  # weight of the pooled variance against each record's own, in models
NO_SPREAD = 1e-30  # added to standard deviations, as the published code does
LEAST_POOLED = 1e-12  # variance that a pooled one has at least


def lira(
    signals: ArrayLike,
    member: ArrayLike,
    *,
    target: ArrayLike | None = None,
    location: Location = "mean",
    variance: Variance = "record",
) -> Floats:
    """Score by the log likelihood ratio of two normal laws per record: members and non-members.

    Parameters
    ----------
    signals : (N, n)
        Confidence of each model in the true class of each record, on the logit scale.
    member : (N, n)
        Whether each model saw each record.
    target : (n,), optional
        Signals of one target outside the set; otherwise each of the N models is the target.
    location
        Centre of each law.
    variance
        `record`: each record's own (biased); needs two models a side. `pooled`: one for all
        records, within records. `global`: one for all records, of all their signals together,
        as in the published code. Members and non-members always have their own.

    Returns
    -------
    (N, n), or (n,) for one target
        Log likelihood ratios; NaN where a side has too few models.

    Raises
    ------
    ValueError
        Shapes do not fit, or a signal is not finite.

    References
    ----------
    N. Carlini et al. (2022), "Membership inference attacks from first principles", IEEE S&P,
    Algorithm 1; the published code takes medians and `record` or `global` variances. Deviations
    from it: where variances are fixed, it gives non-members the variance of members; and it drops
    models until every record has equally many.
    """
    models, other = checked(signals, member, target)
    inside, outside = Side(*models), Side(models[0], ~models[1])

    def score(x: Floats, i: int | None) -> Floats:
        above = _log_density(x, *_normal(inside, i, location, variance))
        return above - _log_density(x, *_normal(outside, i, location, variance))

    return scored(models[0], other, score)


def offline_lira(
    signals: ArrayLike,
    member: ArrayLike,
    *,
    target: ArrayLike | None = None,
    location: Location = "mean",
    variance: Variance = "record",
) -> Floats:
    """Score by how far the target's signal lies above those of models without the record.

    The score z is in standard deviations. The published probability is Phi(z), which puts records
    in the same order until it rounds to 1; z keeps increasing.

    Parameters, rules and errors are those of `lira`; only models without a record count.

    Returns
    -------
    (N, n), or (n,) for one target
        Standardised distances.

    References
    ----------
    N. Carlini et al. (2022), "Membership inference attacks from first principles", IEEE S&P,
    section on the offline attack.
    """
    models, other = checked(signals, member, target)
    outside = Side(models[0], ~models[1])

    def score(x: Floats, i: int | None) -> Floats:
        centre, spread = _normal(outside, i, location, variance)
        return (x - centre) / spread

    return scored(models[0], other, score)


def student_ratio(
    signals: ArrayLike, member: ArrayLike, *, target: ArrayLike | None = None
) -> Floats:
    """Score by the log likelihood ratio of two predictive Student t laws a record.

    Each record's variance is shrunk to the pooled one, which counts as 4 more models; the law is
    that of one more signal. With few models this is much stronger than normal laws. Beyond the
    mean of the models that saw a record, the ratio keeps rising as it does for equal variances:
    to be surer than those models is no evidence against membership.

    Parameters, rules and errors are those of `lira`; one model a side is enough.

    Returns
    -------
    (N, n), or (n,) for one target
        Log likelihood ratios.

    References
    ----------
    A. Gelman et al. (2013), "Bayesian data analysis", section 3.3, with the scaled inverse chi
    square prior of 4 degrees of freedom at the pooled variance.
    """
    models, other = checked(signals, member, target)
    inside, outside = Side(*models), Side(models[0], ~models[1])
    terms = _student_terms(len(models[0]))

    def score(x: Floats, i: int | None) -> Floats:
        return _risen(x, inside.moments(i), outside.moments(i), terms)

    return scored(models[0], other, score)


# ---- normal and Student laws ---------------------------------------------------------------------


def _normal(
    side: Side, without: int | None, location: Location, variance: Variance
) -> tuple[Floats, Floats]:
    """Fit a normal law to every record: its centre `(n,)` and standard deviation `(n,)`."""
    moments = side.moments(without)
    centre = moments.mean if location == "mean" else side.medians(without)
    if variance == "record":
        squared = moments.variance
    else:
        one = moments.pooled if variance == "pooled" else side.variance(without)
        squared = np.full(len(centre), max(one, 0.0))
    enough = moments.models >= (2 if variance == "record" else 1)
    return np.where(enough, centre, np.nan), np.sqrt(squared) + NO_SPREAD


def _log_density(x: Floats, centre: Floats, spread: Floats) -> Floats:
    """Give the log density of a normal law, without the constant that cancels in a ratio."""
    z = (x - centre) / spread
    return np.asarray(-0.5 * z * z - np.log(spread))


def _student_terms(models: int) -> Floats:
    """Give log(gamma((f + 1) / 2) / gamma(f / 2)) for 0 to N models; f is their freedom."""
    freedom = PRIOR + np.arange(models + 1) - 1
    return np.array([math.lgamma((f + 1) / 2) - math.lgamma(f / 2) for f in freedom])


def _risen(x: Floats, inside: Moments, outside: Moments, terms: Floats) -> Floats:
    """Give the ratio of two Student t laws; beyond the members' mean it rises evenly."""
    scales = _squared_scale(inside), _squared_scale(outside)
    gap = np.maximum(inside.mean - outside.mean, 0.0)
    beyond = np.where(gap > 0, np.maximum(x - inside.mean, 0.0), 0.0)
    capped = x - beyond
    rise = beyond * gap / np.maximum(*scales)
    ratio = _log_student(capped, inside, scales[0], terms)
    ratio -= _log_student(capped, outside, scales[1], terms)
    one_sided = (inside.models < 1) | (outside.models < 1)
    return np.where(one_sided, np.nan, ratio + rise)


def _squared_scale(moments: Moments) -> Floats:
    """Give the squared scale of the predictive law, its variance shrunk to the pooled one."""
    pooled = max(moments.pooled, LEAST_POOLED)
    variance = (PRIOR * pooled + moments.square) / (PRIOR + moments.models - 1)
    return np.asarray(variance * (1 + 1 / np.maximum(moments.models, 1)))


def _log_student(x: Floats, moments: Moments, scale: Floats, terms: Floats) -> Floats:
    freedom = PRIOR + moments.models - 1
    z = (x - moments.mean) ** 2 / scale
    constant = terms[moments.models.astype(np.int64)] - 0.5 * np.log(np.pi * freedom * scale)
    return np.asarray(constant - (freedom + 1) / 2 * np.log1p(z / freedom))
