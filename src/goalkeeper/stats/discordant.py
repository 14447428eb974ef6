"""Bounds from two outcomes of the same items: exact, by inverting an unconditional test.

Of n items, `gained` have the one outcome only and `lost` the other only. The bounds of the
difference and of the normalised gain come from one test of a value x of either. Its statistic is
linear in the two counts, divided by its standard error at x with the observed share of discordant
items. Its p-value is the largest over that share (the nuisance parameter), which is restricted to
a confidence interval of its own: R. L. Berger, D. D. Boos (1994), "P values maximized over a
confidence set for the nuisance parameter", JASA 89, 1012-1016. Statistic and test: T. Tango
(1998), "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17, 891-908.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from goalkeeper.stats._check import require_counts, require_share
from goalkeeper.stats._exact import exact_bounds
from goalkeeper.stats.intervals import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NUISANCE_SHARE = 0.02  # of alpha, spent on the interval of the nuisance parameter
NUISANCE_POINTS = 11
NEGLIGIBLE = 1e-9  # of alpha, probability that the sum over discordant counts leaves out
PRECISION = 1e-6  # of the bounds
TIE = 1e-3
SLACK = 1e-9  # by which rounding may move a statistic that equals the observed one
Side = Literal["low", "high"]


def paired_difference(gained: int, lost: int, n: int, *, alpha: float = 0.05) -> Interval:
    """Bound the difference of two proportions on the same items: `(gained - lost) / n`.

    Each of the two bounds holds with probability `1 - alpha` on its own. Its sign agrees with
    the exact test of McNemar but for discreteness, and it is much closer than `excess`, which
    must allow for any dependence.

    Parameters
    ----------
    gained, lost : int
        Items with the property only after, and only before.
    n : int
        All items, changed or not.

    Raises
    ------
    ValueError
        If `n` is 0 (treat as inconclusive), a count is negative, or more than `n` items changed.

    References
    ----------
    R. L. Berger, D. D. Boos (1994), JASA 89, 1012-1016; T. Tango (1998), Statistics in Medicine
    17, 891-908.
    """
    _check_changes(gained, lost, n, alpha)
    test = _DifferenceTest(gained, gained + lost, n)
    return Interval(test.bound(alpha, "low"), test.bound(alpha, "high"))


def paired_normalised_gain(
    successes: int, baseline_successes: int, both: int, n: int, *, alpha: float = 0.05
) -> Interval:
    """Bound the normalised gain `(a - b) / (1 - b)` of an attack on the items of its baseline.

    Each of the two bounds holds with probability `1 - alpha` on its own. Items on which both
    succeed say nothing about the gain, so the test is conditional on their number. Where every
    item was one of them, nothing was left to gain: `low` is minus infinity and `high` is 1.

    Parameters
    ----------
    successes, baseline_successes : int
        Items on which the attack, and on which the baseline, succeeds.
    both : int
        Items on which both succeed.
    n : int
        All items.

    Raises
    ------
    ValueError
        If `n` is 0 (treat as inconclusive) or the counts do not fit together.

    References
    ----------
    R. L. Berger, D. D. Boos (1994), JASA 89, 1012-1016; T. Tango (1998), Statistics in Medicine
    17, 891-908.
    """
    require_counts(both, n)
    gained, lost = successes - both, baseline_successes - both
    _check_changes(gained, lost, n, alpha)
    open_items = n - both
    if gained + lost > open_items:
        raise ValueError(
            f"{successes} and {baseline_successes} successes with {both} in common are more than "
            f"the {n} items"
        )
    if open_items == 0:
        return Interval(-math.inf, 1.0)
    test = _GainTest(gained, gained + lost, open_items)
    return Interval(test.bound(alpha, "low"), test.bound(alpha, "high"))


def _check_changes(gained: int, lost: int, n: int, alpha: float) -> None:
    require_share("alpha", alpha)
    require_counts(gained, n)
    require_counts(lost, n)
    if gained + lost > n:
        raise ValueError(
            f"{gained} gained and {lost} lost are more than the {n} items; "
            "no item can change in both directions"
        )


@dataclass(frozen=True)
class _PairedTest(ABC):
    """Tests of a value x of what is bounded, given `gained` of `changed` of `n` items."""

    gained: int
    changed: int
    n: int

    @property
    @abstractmethod
    def estimate(self) -> float:
        """Give the position of the estimate."""

    @abstractmethod
    def value(self, position: float) -> float:
        """Map a position in [0, 1] to x, rising."""

    @abstractmethod
    def coefficients(self, x: float) -> tuple[float, float, float]:
        """Give r, s, t so that `r * gained - s * changed - t * n` has the mean 0 at x."""

    @abstractmethod
    def least_changed(self, x: float) -> float:
        """Give the smallest share of changed items that x allows."""

    def bound(self, alpha: float, side: Side) -> float:
        """Invert the test on one side."""
        from scipy.optimize import brentq
        from scipy.special import ndtri

        goal = float(ndtri(alpha))

        def excess(position: float) -> float:
            p = self.pvalue(self.value(position), alpha, side)
            return float(ndtri(min(max(p, 1e-300), 1 - 1e-16))) - goal

        outer, outwards = (0.0, -PRECISION) if side == "low" else (1.0, PRECISION)
        first, last = min(max(self.estimate, PRECISION), 1 - PRECISION), abs(outer - PRECISION)
        # Where not even the outermost value is excluded, it is the bound; so, too, where the
        # estimate is nearer to it than the precision.
        if excess(last) >= 0 or excess(first) <= 0:
            return self.value(outer)
        root = float(brentq(excess, first, last, xtol=PRECISION / 4))
        return self.value(min(max(root + outwards, 0.0), 1.0))

    def pvalue(self, x: float, alpha: float, side: Side) -> float:
        """Give the largest chance, at x, of a statistic at least as extreme as the observed one."""
        spent = NUISANCE_SHARE * alpha
        low, high = (float(b) for b in exact_bounds(self.changed, self.n, spent / 2))
        low = max(low, self.least_changed(x))
        if low > high:
            return spent
        shares = np.linspace(low, high, NUISANCE_POINTS)
        sd = np.sqrt(self.n * shares * (1 - shares)).max()
        reach = 7 * sd + 15
        first = max(0, math.floor(self.n * low - reach))
        counts = np.arange(first, min(self.n, math.ceil(self.n * high + reach)) + 1)
        return min(1.0, spent + self._largest_tail(x, shares, counts, side))

    def _largest_tail(
        self, x: float, shares: Floats, counts: NDArray[np.int64], side: Side
    ) -> float:
        from scipy.special import bdtr, gammaln, xlog1py, xlogy

        r, s, t = self.coefficients(x)
        seen = (r * self.gained - s * self.changed - t * self.n) / self._error(
            x, np.array([self.changed])
        )[0]
        edge = (s * counts + t * self.n + seen * self._error(x, counts)) / r
        # Chances of each number of changed items, and then of the gained among them.
        choose = gammaln(self.n + 1) - gammaln(counts + 1) - gammaln(self.n - counts + 1)
        column = shares[:, None]
        weight = np.exp(choose + xlogy(counts, column) + xlog1py(self.n - counts, -column))
        gained = np.clip(self._gained_share(x, column) / np.maximum(column, 1e-300), 0.0, 1.0)
        most = counts.astype(np.float64)
        if side == "low":
            last = np.ceil(edge - SLACK * (1 + np.abs(edge))) - 1  # largest that is not extreme
            tail = np.where(last < 0, 1.0, 1 - bdtr(np.clip(last, 0, most), counts, gained))
            tail = np.where(last >= most, 0.0, tail)
        else:
            last = np.floor(edge + SLACK * (1 + np.abs(edge)))
            tail = np.where(last < 0, 0.0, bdtr(np.clip(last, 0, most), counts, gained))
        return float((weight * tail).sum(axis=1).max())

    def _gained_share(self, x: float, changed: Floats) -> Floats:
        """Give the share of gained items where x holds and a share `changed` is changed."""
        r, s, t = self.coefficients(x)
        return np.asarray((s * changed + t) / r)

    def _error(self, x: float, counts: NDArray[np.int64]) -> Floats:
        """Give the standard error of the statistic at x; never 0, so that it can divide."""
        r, s, t = self.coefficients(x)
        changed = np.clip(counts / self.n, self.least_changed(x), 1.0)
        gained = np.clip(self._gained_share(x, changed), 0.0, changed)
        steps = (r - s - t, -s - t, -t)  # what one item of each kind adds
        square = (
            steps[0] ** 2 * gained
            + steps[1] ** 2 * (changed - gained)
            + steps[2] ** 2 * (1 - changed)
        )
        largest = max(step**2 for step in steps)
        # Of equal differences, the one with fewer changed items is the surer: ties are broken.
        return np.asarray(np.sqrt(self.n * square + largest * (1 + TIE * counts)))


class _DifferenceTest(_PairedTest):
    @property
    def estimate(self) -> float:
        return (1 + (2 * self.gained - self.changed) / self.n) / 2

    def value(self, position: float) -> float:
        return 2 * position - 1

    def coefficients(self, x: float) -> tuple[float, float, float]:
        return 2.0, 1.0, x

    def least_changed(self, x: float) -> float:
        return abs(x)


class _GainTest(_PairedTest):
    @property
    def estimate(self) -> float:
        # x = 2 - 1 / position, and 1 - x is the ratio of the attack's failures to the baseline's.
        failures = self.n - self.gained
        missed = self.n - self.changed + self.gained
        return missed / (failures + missed) if failures + missed else 1.0

    def value(self, position: float) -> float:
        return -math.inf if position == 0 else 2 - 1 / position

    def coefficients(self, x: float) -> tuple[float, float, float]:
        return 2 - x, 1 - x, x

    def least_changed(self, x: float) -> float:
        return max(x, -x / (1 - x)) if x < 1 else 1.0
