"""Membership scores from how much likelier a target finds a record than other models do.

One target, or each of N models in turn; the rules are those of `goalkeeper.stats.membership`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.stats._check import require_probability
from goalkeeper.stats._model_groups import ModelGroup, check_signals, score_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

# Floating-point numbers on either side of `ratio / gamma` among which lies, whatever is rounded,
# the last one by which the ratio still gives more than gamma.
NEIGHBOURS = 3
ROUNDING_MARGIN = 8 * float(np.finfo(np.float64).eps)  # relative; wider than three numbers
SMALLEST_NORMAL_EDGE = 1e-300  # below it, neighbouring numbers may lie further apart than that
MIN_MEAN = float(np.finfo(np.float64).tiny)  # mean likelihood that is divided by at least


def relative_likelihood(
    likelihoods: ArrayLike,
    member: ArrayLike,
    *,
    target: ArrayLike | None = None,
    a: float | None = None,
) -> Floats:
    """Score by the target's probability of a record's class, relative to its mean over models.

    Parameters
    ----------
    likelihoods : (N, n)
        Probability that each model gives the true class of each record.
    member : (N, n)
        Whether each model saw each record.
    target : (n,), optional
        Probabilities of one target outside the set; otherwise each model is the target.
    a
        None: models with and models without a record count one half each (online). A share: only
        models without it are asked, and those with it are taken for `a` times their mean plus
        1 - a (offline).

    Returns
    -------
    (N, n), or (n,) for one target
        Ratios; a mean below the smallest normal number counts as that number.

    Raises
    ------
    ValueError
        Shapes do not fit, a probability is outside [0, 1], or `a` is.

    References
    ----------
    S. Zarifzadeh, P. Liu, R. Shokri (2024), "Low-cost high-power membership inference attacks",
    ICML, equation 2.
    """
    models, target_signals = check_signals(likelihoods, member, target, upper=1.0)
    return score_targets(models[0], target_signals, _relative_scorer(models, a))


def rmia(
    likelihoods: ArrayLike,
    member: ArrayLike,
    population: ArrayLike,
    *,
    gamma: float = 1.0,
    a: float | None = None,
) -> Floats:
    """Score by the share of other people's records whose relative likelihood is exceeded.

    Each of the N models is the target in turn. The shares are those of the full comparison of
    n records with Z others, bit for bit, but computed by sorting, O((n + Z) log Z) a target.

    Parameters
    ----------
    likelihoods, member, a
        As `relative_likelihood`.
    population : (N, Z)
        Probability that each model gives the true class of records which no model saw.
    gamma
        Factor by which a record's ratio must exceed another's.

    Returns
    -------
    (N, n)
        Shares in [0, 1].

    Raises
    ------
    ValueError
        As `relative_likelihood`; or there is no population, or `gamma` is not positive.

    References
    ----------
    S. Zarifzadeh, P. Liu, R. Shokri (2024), "Low-cost high-power membership inference attacks",
    ICML, equations 2 to 4.
    """
    if not 0 < gamma < math.inf:
        raise ValueError(f"need a positive gamma, got {gamma}; 1 and 2 are usual")
    models, _ = check_signals(likelihoods, member, None, upper=1.0)
    no_member = np.zeros(np.shape(population), dtype=bool)
    population_models, _ = check_signals(population, no_member, None, upper=1.0)
    if len(population_models[0]) != len(models[0]) or population_models[0].shape[1] == 0:
        raise ValueError(
            f"need a population (N, Z) of {len(models[0])} models and at least one record, got "
            f"shape {population_models[0].shape}; ask every model about records that none of them "
            "saw"
        )
    ratio = _relative_scorer(models, a)
    # No model saw the population, so that only models without its records can be asked; with a = 1
    # their mean is taken as it is.
    population_ratio = _relative_scorer(population_models, 1.0 if a is None else a)

    def score(x: Floats, i: int | None) -> Floats:
        z = np.asarray(population_models[0][i], dtype=np.float64).reshape(-1)
        return share_exceeded(ratio(x, i), population_ratio(z, i), gamma)

    return score_targets(models[0], None, score)


def share_exceeded(ratios: Floats, others: Floats, gamma: float) -> Floats:
    """Give for each ratio `(n,)` the share of `others` `(Z,)` with `ratio / other > gamma`.

    The quotient falls as the other ratio rises, also after rounding, so that the largest number
    that is still exceeded determines all. It lies within three numbers of `ratio / gamma`; where
    another ratio is that near, these numbers are tried. So the share is the one that all n * Z
    quotients would have given.

    Parameters
    ----------
    ratios : (n,)
        Not negative; NaN gives NaN.
    others : (Z,)
        Not negative.
    gamma : float
        Positive.
    """
    ascending = np.sort(others)
    edge = ratios / gamma
    order = np.argsort(edge)  # neighbours look at the same part of `ascending`
    below = np.empty(len(edge), dtype=np.int64)
    below[order] = np.searchsorted(ascending, edge[order] * (1 - ROUNDING_MARGIN), side="right")
    next_above = ascending[np.minimum(below, len(ascending) - 1)]
    close = next_above <= edge * (1 + ROUNDING_MARGIN)
    uncertain = np.flatnonzero(close | (edge < SMALLEST_NORMAL_EDGE))
    largest = _find_largest_exceeded(ratios[uncertain], gamma)
    below[uncertain] = np.searchsorted(ascending, largest, side="right")
    return np.where(np.isnan(ratios), np.nan, below / len(ascending))


def _find_largest_exceeded(ratios: Floats, gamma: float) -> Floats:
    """Give the largest number by which each ratio still gives more than gamma; -1 if none does."""
    candidate = ratios / gamma
    for _ in range(NEIGHBOURS):
        candidate = np.nextafter(candidate, np.inf)
    largest = np.full(len(ratios), -1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(2 * NEIGHBOURS + 1):
            exceeds = (ratios / candidate > gamma) & (largest < 0)
            largest[exceeds] = candidate[exceeds]
            candidate = np.nextafter(candidate, 0.0)
    return largest


def _relative_scorer(
    models: tuple[NDArray[np.floating], Bools], a: float | None
) -> Callable[[Floats, int | None], Floats]:
    """Return what divides a target's likelihoods `(n,)` by their mean over the other models."""
    if a is not None:
        require_probability("a", a)
    inside = ModelGroup(*models) if a is None else None
    outside = ModelGroup(models[0], ~models[1])

    def score(x: Floats, i: int | None) -> Floats:
        without_record = outside.moments(i)
        mean = np.where(without_record.models > 0, without_record.mean, np.nan)
        if inside is not None:
            with_record = inside.moments(i)
            # The prior probability is the mean over models, half of which saw the record.
            mean = (mean + np.where(with_record.models > 0, with_record.mean, np.nan)) / 2
        elif a is not None:
            # Models with the record are taken for a * mean + (1 - a), so that the mean of both is:
            mean = (1 + a) / 2 * mean + (1 - a) / 2
        return np.asarray(x / np.maximum(mean, MIN_MEAN))

    return score
