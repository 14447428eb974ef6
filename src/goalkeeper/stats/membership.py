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

from goalkeeper.stats._model_groups import ModelGroup, RecordMoments, check_signals, score_targets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Location = Literal["mean", "median"]
Variance = Literal["record", "pooled", "global"]

# Weight of the pooled variance against each record's own, in models. With more than 2 degrees of
# freedom a prior has a finite mean; 4 leave it little weight beside tens of models.
PRIOR_MODELS = 4.0
MIN_DEVIATION = 1e-30  # added to standard deviations, as the published code does
MIN_POOLED_VARIANCE = 1e-12  # of logits: a deviation of 1e-6, where all models agree to rounding


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
    models, target_signals = check_signals(signals, member, target)
    inside, outside = ModelGroup(*models), ModelGroup(models[0], ~models[1])

    def score(x: Floats, i: int | None) -> Floats:
        of_members = _log_density(x, *_fit_normal(inside, i, location, variance))
        return of_members - _log_density(x, *_fit_normal(outside, i, location, variance))

    return score_targets(models[0], target_signals, score)


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
    models, target_signals = check_signals(signals, member, target)
    outside = ModelGroup(models[0], ~models[1])

    def score(x: Floats, i: int | None) -> Floats:
        centre, deviation = _fit_normal(outside, i, location, variance)
        return (x - centre) / deviation

    return score_targets(models[0], target_signals, score)


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
    models, target_signals = check_signals(signals, member, target)
    inside, outside = ModelGroup(*models), ModelGroup(models[0], ~models[1])
    gamma_terms = _log_gamma_ratios(len(models[0]))

    def score(x: Floats, i: int | None) -> Floats:
        return _student_log_ratio(x, inside.moments(i), outside.moments(i), gamma_terms)

    return score_targets(models[0], target_signals, score)


# ---- normal and Student laws ---------------------------------------------------------------------


def _fit_normal(
    group: ModelGroup, without: int | None, location: Location, variance: Variance
) -> tuple[Floats, Floats]:
    """Fit a normal law to every record: its centre `(n,)` and standard deviation `(n,)`."""
    moments = group.moments(without)
    centre = moments.mean if location == "mean" else group.medians(without)
    if variance == "record":
        variances = moments.variance
    else:
        pooled = variance == "pooled"
        shared_variance = moments.pooled_variance if pooled else group.variance(without)
        variances = np.full(len(centre), max(shared_variance, 0.0))
    sufficient = moments.models >= (2 if variance == "record" else 1)
    return np.where(sufficient, centre, np.nan), np.sqrt(variances) + MIN_DEVIATION


def _log_density(x: Floats, centre: Floats, deviation: Floats) -> Floats:
    """Give the log density of a normal law, without the constant that cancels in a ratio."""
    z = (x - centre) / deviation
    return np.asarray(-0.5 * z * z - np.log(deviation))


def _log_gamma_ratios(models: int) -> Floats:
    """Give log(gamma((f + 1) / 2) / gamma(f / 2)) for 0 to N models; f is their freedom."""
    freedom = PRIOR_MODELS + np.arange(models + 1) - 1
    return np.array([math.lgamma((f + 1) / 2) - math.lgamma(f / 2) for f in freedom])


def _student_log_ratio(
    x: Floats, inside: RecordMoments, outside: RecordMoments, gamma_terms: Floats
) -> Floats:
    """Give the log ratio of two Student t laws; beyond the members' mean it rises evenly.

    Two normal laws of equal variance have a log ratio that rises by the gap of their means over
    that variance: this slope is taken, with the larger of the two.
    """
    scales = _squared_scale(inside), _squared_scale(outside)
    separation = np.maximum(inside.mean - outside.mean, 0.0)
    excess = np.where(separation > 0, np.maximum(x - inside.mean, 0.0), 0.0)
    clipped = x - excess
    linear_rise = excess * separation / np.maximum(*scales)
    ratio = _log_student(clipped, inside, scales[0], gamma_terms)
    ratio -= _log_student(clipped, outside, scales[1], gamma_terms)
    one_sided = (inside.models < 1) | (outside.models < 1)
    return np.where(one_sided, np.nan, ratio + linear_rise)


def _squared_scale(moments: RecordMoments) -> Floats:
    """Give the squared scale of the predictive law, its variance shrunk to the pooled one.

    Gelman et al. (2013), section 3.3: the posterior scale is the squares of prior and data over all
    degrees of freedom; predicting one more signal multiplies it by 1 + 1 / models.
    """
    pooled_variance = max(moments.pooled_variance, MIN_POOLED_VARIANCE)
    variance = (PRIOR_MODELS * pooled_variance + moments.squares) / (
        PRIOR_MODELS + moments.models - 1
    )
    return np.asarray(variance * (1 + 1 / np.maximum(moments.models, 1)))


def _log_student(x: Floats, moments: RecordMoments, scale: Floats, gamma_terms: Floats) -> Floats:
    freedom = PRIOR_MODELS + moments.models - 1  # one is spent on the mean
    z = (x - moments.mean) ** 2 / scale
    constant = gamma_terms[moments.models.astype(np.int64)] - 0.5 * np.log(np.pi * freedom * scale)
    return np.asarray(constant - (freedom + 1) / 2 * np.log1p(z / freedom))
