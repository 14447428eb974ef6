"""Before against after on the same items: one comparison, or several retrainings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goalkeeper.stats._check import require_share, require_tries
from goalkeeper.stats.intervals import excess

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# The t quantile at 97.5 % that multiplies the retraining noise is 2.8 for 5 and 12.7 for 2.
MIN_RETRAININGS = 5


class DamageEstimate(NamedTuple):
    """The mean net share of items lost to an attack on training.

    `low` and `high` are one-sided bounds; `noise` is the part of their distance from `value`
    that comes from retraining, the rest comes from the number of items.
    """

    value: float
    low: float
    high: float
    noise: float


def mcnemar(b: int, c: int) -> float:
    """Test whether two paired proportions are equal: the exact two-sided p-value.

    Parameters
    ----------
    b, c : int
        Items that changed in the one direction, and in the other. Without any change the
        p-value is 1.

    Raises
    ------
    ValueError
        If a count is negative.

    References
    ----------
    Q. McNemar (1947), "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12, 153-157; the exact form is the sign test.
    """
    from scipy.stats import binomtest

    if b < 0 or c < 0:
        raise ValueError(f"need counts of at least 0, got {b} and {c}; count changed items")
    return float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0


def damage(gained: ArrayLike, lost: ArrayLike, n: int, *, alpha: float = 0.05) -> DamageEstimate:
    """Bound the mean damage over retrainings, each paired with its own clean retraining.

    The estimate is the mean over retrainings of `(gained - lost) / n`. Two parts make the
    interval. Sampling of items: the paired difference of the mean counts at `alpha / 2` in
    all. An item's average over retrainings lies in [0, 1] and spreads no more than one
    Bernoulli draw, so the beta quantiles are conservative (checked exactly for averages with
    two values; no general proof is known). Retraining: the t quantile with S - 1 degrees of
    freedom at `alpha / 2` times the standard error over retrainings, whose means are taken as
    roughly normal. By Bonferroni `low` and `high` each hold with `1 - alpha` on their own.

    Parameters
    ----------
    gained, lost : (S,)
        Of the n harmless items, how many are newly declined, and newly accepted, in
        retraining s compared with its paired clean retraining.
    n : int
        Harmless items, the same in every retraining.

    Raises
    ------
    ValueError
        If there are fewer than 5 retrainings, the two arrays differ in shape, or counts do not
        fit `n`.

    References
    ----------
    W. Hoeffding (1963), "Probability inequalities for sums of bounded random variables",
    JASA 58, 13-30 (averages spread less);
    Student (1908), "The probable error of a mean", Biometrika 6, 1-25.
    """
    from scipy.special import stdtrit

    require_share("alpha", alpha)
    declined, accepted = _retraining_counts(gained, lost, n)
    net = (declined - accepted) / n
    low, high = excess(float(declined.mean()), n, float(accepted.mean()), n, alpha=alpha / 2)
    error = float(net.std(ddof=1)) / np.sqrt(net.size)
    noise = float(stdtrit(net.size - 1, 1 - alpha / 2)) * float(error)
    return DamageEstimate(float(net.mean()), max(-1.0, low - noise), min(1.0, high + noise), noise)


def _retraining_counts(
    gained: ArrayLike, lost: ArrayLike, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    require_tries(n)
    declined, accepted = np.asarray(gained, np.float64), np.asarray(lost, np.float64)
    if declined.ndim != 1 or declined.shape != accepted.shape:
        raise ValueError(
            f"need one count per retraining on both sides, got shapes {declined.shape} and "
            f"{accepted.shape}; pair every retraining with its clean one"
        )
    if declined.size < MIN_RETRAININGS:
        raise ValueError(
            f"need at least {MIN_RETRAININGS} retrainings, got {declined.size}; with fewer the "
            "retraining noise is unknown: retrain more often, or treat as inconclusive"
        )
    if not (np.all(declined >= 0) and np.all(accepted >= 0) and np.all(declined + accepted <= n)):
        raise ValueError(
            f"need counts of at least 0 that sum to at most {n} per retraining, got gained "
            f"{declined.tolist()} and lost {accepted.tolist()}; count over the same {n} items"
        )
    return declined, accepted
