"""Lower bounds of the privacy parameter epsilon from an attack's calls at one threshold."""

from __future__ import annotations

import math

from goalkeeper.stats.intervals import clopper_pearson


def epsilon_lower_bound(
    tp: float,
    positives: int,
    fp: float,
    negatives: int,
    *,
    delta: float = 0.0,
    alpha: float = 0.05,
) -> float:
    """Bound epsilon from below: a model that is (epsilon, delta)-private has a larger epsilon.

    The bound is wrong with probability `alpha` at most, for ONE threshold chosen before these
    scores were seen. Choosing the best of several thresholds on the same scores breaks it:
    take `bonferroni(alpha, m)` then. Both kinds of error count: calls of members, and calls
    of non-members.

    Parameters
    ----------
    tp, positives : float, int
        Members called members, among the members.
    fp, negatives : float, int
        Non-members called members, among the non-members.
    delta : float
        The delta of the claim, in [0, 1).

    Returns
    -------
    float
        Natural logarithm of a ratio of probabilities, at least 0. Say `epsilon_ceiling` with it.

    Raises
    ------
    ValueError
        If a side is empty (treat as inconclusive), or `delta` is outside [0, 1).

    References
    ----------
    P. Kairouz, S. Oh, P. Viswanath (2015), "The composition theorem for differential
    privacy", ICML (both errors bounded); M. Jagielski, J. Ullman, A. Oprea (2020), "Auditing
    differentially private machine learning", NeurIPS (Clopper-Pearson bounds).
    """
    if not 0.0 <= delta < 1.0:
        raise ValueError(f"need 0 <= delta < 1, got {delta}; take the delta of the claim")
    hit = clopper_pearson(tp, positives, alpha=alpha)
    alarm = clopper_pearson(fp, negatives, alpha=alpha)
    # (epsilon, delta) requires TPR <= exp(epsilon) FPR + delta, and the same of the complements
    # (Kairouz et al.). Both intervals spend alpha / 2 on each side: by Bonferroni the
    # two bounds that a quotient joins hold together with 1 - alpha.
    odds = (
        (hit.low - delta) / alarm.high,
        (1.0 - alarm.high - delta) / (1.0 - hit.low),
    )
    return math.log(max(1.0, *odds))


def epsilon_ceiling(
    positives: int, negatives: int, *, delta: float = 0.0, alpha: float = 0.05
) -> float:
    """Give the largest bound that `epsilon_lower_bound` can show: a perfect attack's.

    With too few records even an attack that is always right proves little; a bound close to
    its ceiling says that more records are needed, not that the leak ends there.

    Parameters
    ----------
    positives, negatives : int
        Members and non-members in the game.
    delta : float
        The delta of the claim, in [0, 1).

    Raises
    ------
    ValueError
        As `epsilon_lower_bound`.
    """
    return epsilon_lower_bound(positives, positives, 0, negatives, delta=delta, alpha=alpha)
