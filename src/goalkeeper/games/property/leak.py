"""What an accuracy between two worlds amounts to: records seen, and the smallest difference."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats

# Records up to which the total variation of the binomial laws is summed exactly; beyond, the normal
# approximation with equal variances takes its place.
MAX_EXACT = 4000
MAX_RECORDS = 10_000_000
DISTINGUISHED = 0.75  # accuracy from which on two shares count as distinguished: halfway to certain
SHARE_PRECISION = 1e-4  # of the bisection for the smallest difference


def best_accuracy(records: int, first: float, second: float) -> float:
    """Return the accuracy of the best guess between two shares from that number of records.

    It is 1/2 + TV/2, where TV is the total variation between the two binomial laws (the Bayes
    test of two equally likely hypotheses; Le Cam).
    """
    if records <= 0 or first == second:
        return 0.5
    if records > MAX_EXACT:
        return _approximate(records, first, second)
    gap = _binomial_law(records, first) - _binomial_law(records, second)
    return 0.5 + float(np.abs(gap).sum()) / 4


def records_seen(accuracy: float, first: float, second: float) -> float:
    """Return the smallest number of records that distinguish two shares as often as `accuracy`.

    Suri and Evans 2022 call it n_leaked and bound it loosely; here the binomial laws are taken
    exactly. Infinite for an accuracy of 1, which no number of records reaches unless the shares
    are 0 and 1 (what many records reach rounds to 1, but is not).
    """
    if accuracy <= 0.5:
        return 0.0
    if accuracy >= 1 and {first, second} != {0.0, 1.0}:
        return float("inf")
    if first == second or best_accuracy(MAX_RECORDS, first, second) < accuracy:
        return float("inf")
    low, high = 0, MAX_RECORDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if best_accuracy(middle, first, second) >= accuracy else (middle, high)
        )
    return float(high)


def smallest_difference(records: float, share: float) -> float:
    """Return how far a second share must lie from `share` to be distinguished 3 times of 4.

    It is 1 if no share above or below can be distinguished by so many records.
    """
    count = int(min(records, MAX_RECORDS))
    ends = []
    for direction in (1.0, -1.0):
        room = 1 - share if direction > 0 else share
        if best_accuracy(count, share, share + direction * room) < DISTINGUISHED:
            continue
        low, high = 0.0, room
        while high - low > SHARE_PRECISION:
            middle = (low + high) / 2
            accuracy = best_accuracy(count, share, share + direction * middle)
            low, high = (low, middle) if accuracy >= DISTINGUISHED else (middle, high)
        ends.append(high)
    return min(ends, default=1.0)


def _binomial_law(records: int, share: float) -> Floats:
    from scipy.stats import binom

    return np.asarray(binom.pmf(np.arange(records + 1), records, share))


def _approximate(records: int, first: float, second: float) -> float:
    from scipy.special import ndtr

    middle = (first + second) / 2
    spread = np.sqrt(max(middle * (1 - middle), 1e-12))
    return float(ndtr(abs(first - second) * np.sqrt(records) / (2 * spread)))
