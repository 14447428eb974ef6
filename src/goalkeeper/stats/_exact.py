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
    from scipy.special import betainccinv, betaincinv

    hit, total = np.broadcast_arrays(np.asarray(k, np.float64), np.asarray(n, np.float64))
    some, less = hit > 0, hit < total
    low = betaincinv(np.where(some, hit, 1.0), total - hit + 1.0, tail)
    high = betainccinv(hit + 1.0, np.where(less, total - hit, 1.0), tail)
    return np.where(some, low, 0.0), np.where(less, high, 1.0)
