"""How many items a change of a given size needs to be found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.stats._check import require_share

if TYPE_CHECKING:
    from collections.abc import Callable

POWER = 0.8
MOST = 10_000_000  # above it, the answer is "none"
GROWTH = 1.02
REACH = 8.0  # standard deviations around the expected number of changed items


def pairs_to_detect(
    change: float, changed: float, *, alpha: float = 0.05, power: float = POWER
) -> int | None:
    """Count the pairs with which the exact test of McNemar finds a change of a share.

    Parameters
    ----------
    change : float
        Difference of the two shares, of either sign.
    changed : float
        Share of items whose outcome changes in either direction, at least the size of `change`.

    Returns
    -------
    int or None
        None where it is more than ten million.

    Raises
    ------
    ValueError
        If a share is outside (0, 1), or there is no change.

    References
    ----------
    R. J. Connor (1987), "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43, 207-211: the number at which the search starts. Its end is exact.
    """
    size = abs(change)
    require_share("change", size)
    total = min(1.0, max(changed, size))
    spread = math.sqrt(max(total - size**2, 0.0))
    start = _start(math.sqrt(total), spread, size, alpha, power)
    return _search(start, lambda n: _power_of_pairs(n, total, size, alpha), power)


def tries_to_detect(
    share: float, change: float, *, alpha: float = 0.05, power: float = POWER
) -> int | None:
    """Count the tries in each of two samples with which Fisher's exact test finds a change.

    Parameters
    ----------
    share : float
        Mean of the two shares.
    change : float
        Difference of the two shares, of either sign.

    Returns
    -------
    int or None
        None where it is more than ten million.

    Raises
    ------
    ValueError
        If there is no change, or it is 1 or more.

    References
    ----------
    J. T. Casagrande, M. C. Pike, P. G. Smith (1978), "An improved approximate formula for
    calculating sample sizes for comparing two binomial distributions", Biometrics 34, 483-486.
    """
    size = abs(change)
    require_share("change", size)
    middle = min(max(share, size / 2), 1 - size / 2)
    one, other = middle - size / 2, middle + size / 2
    null = math.sqrt(2 * middle * (1 - middle))
    spread = math.sqrt(one * (1 - one) + other * (1 - other))
    n = _start(null, spread, size, alpha, power)
    corrected = n / 4 * (1 + math.sqrt(1 + 4 / (n * size))) ** 2
    return math.ceil(corrected) if corrected <= MOST else None


def items_to_detect(
    change: float, error: float, n: int, *, alpha: float = 0.05, floor: float = 0.0
) -> int | None:
    """Count the items that find a change, from the standard error of the difference at `n` items.

    Parameters
    ----------
    floor : float
        The part of the standard error that does not fall with the number of items.

    Returns
    -------
    int or None
        None where it is more than ten million, or where no number would do.
    """
    if not (change and math.isfinite(error)):
        return None
    # (size / z)^2 = error^2 + floor^2, of which only the first part falls with the items.
    left = change**2 - _start(floor, floor, 1.0, alpha, POWER)
    if left <= 0:
        return None
    each = error * math.sqrt(n)
    found = _start(each, each, math.sqrt(left), alpha, POWER)
    return math.ceil(found) if found <= MOST else None


def _start(null: float, spread: float, size: float, alpha: float, power: float) -> float:
    """Give the number by the normal approximation, from spreads with and without a change."""
    from scipy.special import ndtri

    wide = float(ndtri(1 - alpha / 2)) * null + float(ndtri(power)) * spread
    return (wide / size) ** 2


def _search(start: float, power_at: Callable[[int], float], power: float) -> int | None:
    n = max(1, math.ceil(start))
    while n <= MOST:
        if power_at(n) >= power:
            return n
        n = math.ceil(n * GROWTH) + 1
    return None


def _power_of_pairs(n: int, changed: float, size: float, alpha: float) -> float:
    """Sum over the number of changed items how often the sign test rejects."""
    from scipy.stats import binom

    middle, sd = n * changed, math.sqrt(n * changed * (1 - changed)) + 1
    counts = np.arange(max(0, math.floor(middle - REACH * sd)), min(n, middle + REACH * sd) + 1)
    # The sign test rejects where the smaller count has at most this value.
    most = binom.ppf(alpha / 2, counts, 0.5)
    most = np.where(binom.cdf(most, counts, 0.5) > alpha / 2, most - 1, most)
    gained = 0.5 + size / changed / 2
    tails = binom.cdf(most, counts, 1 - gained) + binom.cdf(most, counts, gained)
    return float((binom.pmf(counts, n, changed) * tails).sum())
