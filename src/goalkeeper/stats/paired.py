"""Before against after on the same items: one comparison, or several retrainings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goalkeeper.stats._check import require_share, require_tries
from goalkeeper.stats._exact import exact_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# The t quantile at 97.5 % that multiplies the retraining noise is 2.8 for 5 and 12.7 for 2.
MIN_RETRAININGS = 5
FEW_ITEMS = 4.0
LOG_OFFSET = 0.25  # of the mean count
LEAST_PART = 0.5


class DamageEstimate(NamedTuple):
    """The mean net share of items lost to an attack on training.

    `low` and `high` are one-sided bounds; `noise` is the part of their distance from `value`
    that comes from retraining; squared, it adds to that from the number of items.
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


def damage(
    gained: ArrayLike,
    lost: ArrayLike,
    n: int,
    *,
    items: Sequence[tuple[int, int, int]] = (),
    alpha: float = 0.05,
) -> DamageEstimate:
    """Bound the mean damage over retrainings, each paired with its own clean retraining.

    The estimate is the mean over retrainings of `(gained - lost) / n`. Its bounds hold for
    further items and further retrainings alike; each is wrong with about `alpha` at most. Three
    distances are squared and added (Zou and Donner): those of the Clopper-Pearson bounds of the
    shares gained and lost, and the t quantile with S - 1 degrees of freedom times the standard
    error over retrainings. An item's average over retrainings spreads no more than one Bernoulli
    draw; where `items` says how it spreads, the shares count as those of so many Bernoulli draws
    as spread alike. What chance does to single items in single retrainings is counted once, on
    the side where the counts have no long tail. Counts of retrainings are skewed, so the distance
    on their long side is that of their logarithms where it is larger.

    Parameters
    ----------
    gained, lost : (S,)
        Of the n harmless items, how many are newly declined, and newly accepted, in
        retraining s compared with its paired clean retraining.
    n : int
        Harmless items, the same in every retraining.
    items : sequence of (times gained, times lost, items)
        How many items were gained and lost in so many of the retrainings; may be left out.

    Raises
    ------
    ValueError
        If there are fewer than 5 retrainings, the two arrays differ in shape, or counts do not
        fit `n`.

    References
    ----------
    G. Y. Zou, A. Donner (2008), Statistics in Medicine 27, 1693-1702; Student (1908), "The
    probable error of a mean", Biometrika 6, 1-25.
    """
    from scipy.special import stdtrit

    require_share("alpha", alpha)
    declined, accepted = _retraining_counts(gained, lost, n)
    table = _check_items(items, declined, accepted, n)
    net = (declined - accepted) / n
    value = float(net.mean())
    quantile = float(stdtrit(net.size - 1, 1 - alpha))
    noise = quantile * float(net.std(ddof=1)) / math.sqrt(net.size)
    up = _share_reach(declined, n, table[:, [0, 2]], alpha)
    down = _share_reach(accepted, n, table[:, [1, 2]], alpha)
    # The long tail of the counts is where more was changed; only there is all noise needed.
    part = _own_part_of_noise(declined, accepted, n, table)
    harm = declined.mean() - accepted.mean()
    parts = (part if harm > 0 else 1.0, part if harm < 0 else 1.0)
    below = math.hypot(up[0], down[1], parts[0] * (noise + _skew(accepted, n, quantile)))
    above = math.hypot(up[1], down[0], parts[1] * (noise + _skew(declined, n, quantile)))
    return DamageEstimate(value, max(-1.0, value - below), min(1.0, value + above), noise)


def _own_part_of_noise(
    declined: NDArray[np.float64],
    accepted: NDArray[np.float64],
    n: int,
    items: NDArray[np.float64],
) -> float:
    """Give how much of the spread over retrainings is not there already in that over items.

    Chance that falls on single items in single retrainings is in both spreads: the mean square of
    the residuals of items by retrainings. It is taken out of one of them, but never so much that
    less than half of the spread is left, since a few retrainings show it badly.
    """
    net, size = (declined - accepted) / n, declined.size
    spread = float(net.var(ddof=1)) / size
    if not len(items) or spread == 0 or n < 2:
        return 1.0
    value = float(net.mean())
    averages = (items[:, 0] - items[:, 1]) / size
    of_items = size * float((items[:, 2] * (averages - value) ** 2).sum())
    of_retrainings = n * float(((net - value) ** 2).sum())
    whole = float((declined + accepted).sum()) - size * n * value**2
    residual = max(0.0, whole - of_items - of_retrainings) / ((size - 1) * (n - 1))
    return math.sqrt(max(1 - residual / (size * n) / spread, LEAST_PART**2))


def _share_reach(
    counts: NDArray[np.float64], n: int, items: NDArray[np.float64], alpha: float
) -> tuple[float, float]:
    """Give how far the bounds of the mean share are below and above it."""
    share, tries = float(counts.mean()) / n, float(n)
    if len(items) and 0 < share < 1:
        averages, weights = items[:, 0] / counts.size, items[:, 1]
        spread = float((weights * (averages - share) ** 2).sum()) / max(n - 1, 1)
        # A spread that a few items show is not trusted to be small.
        spread *= 1 + FEW_ITEMS / (share * n + 1)
        tries = min(max(n * share * (1 - share) / max(spread, 1e-12), n), n * counts.size)
    low, high = exact_bounds(share * tries, tries, alpha)
    return share - float(low), float(high) - share


def _skew(counts: NDArray[np.float64], n: int, quantile: float) -> float:
    """Give how much further the long side reaches on the scale of logarithms."""
    root, mean = math.sqrt(counts.size), float(counts.mean())
    if mean == 0:
        return 0.0
    offset = LOG_OFFSET * mean  # so that a count of 0 has a logarithm
    spread = float(np.log(counts + offset).std(ddof=1))
    logarithms = math.expm1(quantile * spread / root) * (mean + offset)
    return max(0.0, logarithms - quantile * float(counts.std(ddof=1)) / root) / n


def _check_items(
    items: Sequence[tuple[int, int, int]],
    gained: NDArray[np.float64],
    lost: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    table = np.asarray(items, np.float64).reshape(-1, 3)
    totals = (table[:, 0] @ table[:, 2], table[:, 1] @ table[:, 2], table[:, 2].sum())
    if len(table) and not np.allclose(totals, (gained.sum(), lost.sum(), n)):
        raise ValueError(
            f"the table of items sums to {totals}, the retrainings to {gained.sum()} gained and "
            f"{lost.sum()} lost of {n}; count both from the same answers"
        )
    return table


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
