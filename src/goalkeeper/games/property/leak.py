"""How much an accuracy between two worlds tells: records seen, and the smallest difference."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats

EXACT = 4000  # records up to which the total variation is summed; beyond, a normal law stands in
MOST = 10_000_000
TOLD = 0.75  # accuracy at which two shares count as told apart


def best_accuracy(records: int, first: float, second: float) -> float:
    """Accuracy of the best guess of two shares from the given number of records.

    It is 1/2 + TV/2, where TV is the total variation between the two binomial laws.
    """
    if records <= 0 or first == second:
        return 0.5
    if records > EXACT:
        return _normal(records, first, second)
    gap = _law(records, first) - _law(records, second)
    return 0.5 + float(np.abs(gap).sum()) / 4


def records_seen(accuracy: float, first: float, second: float) -> float:
    """Return the smallest number of records that tell two shares apart as often as `accuracy`.

    Suri and Evans 2022 call it n_leaked and bound it loosely; here the binomial laws are taken
    exactly. Infinite for an accuracy of 1 that no number of records reaches.
    """
    if accuracy <= 0.5:
        return 0.0
    if first == second or best_accuracy(MOST, first, second) < accuracy:
        return float("inf")
    low, high = 0, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if best_accuracy(middle, first, second) >= accuracy else (middle, high)
        )
    return float(high)


def smallest_difference(records: float, share: float) -> float:
    """Return how far a second share must lie from `share` to be told apart 3 times of 4.

    It is 1 if no share above or below can be told apart from so many records.
    """
    count = int(min(records, MOST))
    ends = []
    for direction in (1.0, -1.0):
        room = 1 - share if direction > 0 else share
        if best_accuracy(count, share, share + direction * room) < TOLD:
            continue
        low, high = 0.0, room
        while high - low > 1e-4:
            middle = (low + high) / 2
            there = best_accuracy(count, share, share + direction * middle) >= TOLD
            low, high = (low, middle) if there else (middle, high)
        ends.append(high)
    return min(ends, default=1.0)


def _law(records: int, share: float) -> Floats:
    from scipy.stats import binom

    return np.asarray(binom.pmf(np.arange(records + 1), records, share))


def _normal(records: int, first: float, second: float) -> float:
    from scipy.special import ndtr

    middle = (first + second) / 2
    spread = np.sqrt(max(middle * (1 - middle), 1e-12))
    return float(ndtr(abs(first - second) * np.sqrt(records) / (2 * spread)))
