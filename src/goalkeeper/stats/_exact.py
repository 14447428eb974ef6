"""Clopper-Pearson bounds of arrays: the one place where beta quantiles are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def exact_bounds(
    k: ArrayLike, n: ArrayLike, tail: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound proportions from below and above, each wrong with probability `tail` at most.

    Parameters
    ----------
    k : (...)
        Successes, whole or real-valued, `0 <= k <= n`.
    n : (...)
        Tries.
    tail : float
        Error probability of each of the two bounds.
    """
    # The tail of a binomial is an incomplete beta function, which takes a k that is not whole, too.
    # It is inverted at `tail`, for the upper bound as a complement, which keeps its digits near 1.
    # Where nothing succeeded, or all, that function is not defined, and the bound is 0, or 1.
    from scipy.special import betainccinv, betaincinv

    successes, tries = np.broadcast_arrays(np.asarray(k, np.float64), np.asarray(n, np.float64))
    positive, incomplete = successes > 0, successes < tries
    low = betaincinv(np.where(positive, successes, 1.0), tries - successes + 1.0, tail)
    high = betainccinv(successes + 1.0, np.where(incomplete, tries - successes, 1.0), tail)
    return np.where(positive, low, 0.0), np.where(incomplete, high, 1.0)
