"""Tests of a change between two measurements of the same kind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goalkeeper.stats._check import require_counts
from goalkeeper.stats.intervals import IntervalEstimate, subtract

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SWAPS = 19_999  # random exchanges; the smallest p-value is 1 / (SWAPS + 1)
RESAMPLES = 2_000
BLOCK = 500  # random exchanges at once, so that the memory stays small
TIE = 1e-9  # by which rounding may move a statistic that equals the observed one
SMALLEST_TAIL = 1e-9
HALVINGS = 14  # the p-value is then known to 0.1 %


class SwapTest(NamedTuple):
    """The result of `swap_test`: the p-value, and which of the statistics is the clearest."""

    p: float
    clearest: int


def fisher(k1: int, n1: int, k0: int, n0: int) -> float:
    """Test whether two independent proportions are equal: the exact two-sided p-value.

    Parameters
    ----------
    k1, n1, k0, n0 : int
        Successes and tries of the one sample, and of the other.

    Raises
    ------
    ValueError
        If a sample is empty, or counts do not fit.

    References
    ----------
    R. A. Fisher (1935), "The logic of inductive inference", Journal of the Royal Statistical
    Society 98, 39-82.
    """
    from scipy.stats import fisher_exact

    require_counts(k1, n1)
    require_counts(k0, n0)
    return float(fisher_exact(np.array([[k1, n1 - k1], [k0, n0 - k0]])).pvalue)


def swap_test(
    before: ArrayLike,
    after: ArrayLike,
    statistics: Callable[[Floats], Floats],
    rng: np.random.Generator,
) -> SwapTest:
    """Test whether two measurements of the same items could be exchanged, item by item.

    Where nothing has changed, what an item shows before and after comes from one distribution, so
    that each of the two may stand for the other. The p-value is the share of random exchanges
    after which the largest of the statistics, each divided by its spread over all exchanges, is at
    least as far from 0 as observed. It holds for any number of items, and for all statistics
    together.

    Parameters
    ----------
    before, after : (n, k)
        Numbers that each item contributes.
    statistics
        From sums over items `(..., k)` to statistics `(..., m)`; tested is their difference.

    References
    ----------
    E. J. G. Pitman (1937), "Significance tests which may be applied to samples from any
    populations", Supplement to the Journal of the Royal Statistical Society 4, 119-130; for the
    largest of several: P. H. Westfall, S. S. Young (1993), "Resampling-based multiple testing".
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    sums = first.sum(axis=0), second.sum(axis=0)
    moved = (second - first)[(first != second).any(axis=1)]
    if not len(moved):
        return SwapTest(1.0, 0)
    blocks = []
    for start in range(0, SWAPS, BLOCK):
        swapped = rng.random((min(BLOCK, SWAPS - start), len(moved))) < 0.5
        step = swapped @ moved
        blocks.append(statistics(sums[1] - step) - statistics(sums[0] + step))
    drawn = np.concatenate(blocks)
    seen = np.abs(statistics(sums[1]) - statistics(sums[0]))
    spread = np.sqrt((drawn**2).mean(axis=0))
    scale = np.where(spread > 0, spread, np.inf)
    largest = (np.abs(drawn) / scale).max(axis=1)
    distance = seen / scale
    extreme = int((largest >= distance.max() - TIE).sum())
    return SwapTest((1 + extreme) / (1 + SWAPS), int(distance.argmax()))


def resample_difference(
    before: ArrayLike,
    after: ArrayLike,
    statistic: Callable[[Floats], Floats],
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
) -> tuple[IntervalEstimate, float]:
    """Bound a difference by drawing items again: a percentile interval, and the standard error.

    Parameters
    ----------
    before, after : (n, k)
        Numbers that each item contributes.
    statistic
        From sums over items `(..., k)` to the statistic `(...)`.

    References
    ----------
    B. Efron, R. J. Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    n = len(first)
    drawn = []
    for start in range(0, RESAMPLES, BLOCK):
        size = min(BLOCK, RESAMPLES - start)
        times = rng.multinomial(n, np.full(n, 1 / n), size=size)
        drawn.append(statistic(times @ second) - statistic(times @ first))
    found = np.concatenate(drawn)
    low, high = np.quantile(found, [alpha / 2, 1 - alpha / 2])
    value = float(statistic(second.sum(axis=0)) - statistic(first.sum(axis=0)))
    interval = IntervalEstimate(value, min(value, float(low)), max(value, float(high)))
    return interval, float(found.std(ddof=1))


def pvalue_of_difference(
    before: Callable[[float], IntervalEstimate],
    after: Callable[[float], IntervalEstimate],
    *,
    correlation: float = 0.0,
) -> float:
    """Invert the interval of the difference of two measurements.

    The p-value is twice the largest error of one bound at which the interval leaves 0 out.

    Parameters
    ----------
    before, after
        From the error of each bound to a value with its bounds.
    correlation
        Of the two measurements; 0 where they are independent.
    """

    def excludes(tail: float) -> bool:
        difference = subtract(after(tail), before(tail), correlation=correlation)
        return difference.low > 0 or difference.high < 0

    low, high = math.log(SMALLEST_TAIL), math.log(0.5)
    if not excludes(math.exp(high) * (1 - TIE)):
        return 1.0
    if excludes(math.exp(low)):
        return 2 * SMALLEST_TAIL
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if excludes(math.exp(middle)) else (middle, high)
    return min(1.0, 2 * math.exp(high))
