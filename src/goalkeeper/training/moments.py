"""Means and variances of every column in every subset, by products with the masks."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints

# A variance below this share of that of all rows is computed again: the difference of two sums that
# gave it has lost half of the 16 digits of float64.
CANCELLED_SHARE = 1e-8
FLOAT64_EPSILON = float(np.finfo(np.float64).eps)


def compute_moments(x: Floats, masks: Bools) -> tuple[Floats, Floats]:
    """Compute mean and variance of every column in every subset, each `(d, N)`.

    Parameters
    ----------
    x
        Rows `(n, d)`.
    masks
        Subsets `(N, n)`, none of them empty.
    """
    sizes, membership = masks.sum(axis=1), np.ascontiguousarray(masks.T, dtype=np.float64)
    centre = x.mean(axis=0)  # moments around it are small, so that little cancels
    centred = x - centre
    offset = (centred.T @ membership) / sizes
    variance = (np.square(centred).T @ membership) / sizes - offset * offset
    cancelled = np.argwhere(variance <= CANCELLED_SHARE * centred.var(axis=0)[:, None])
    for column, model in cancelled:
        variance[column, model] = x[masks[model], column].var()
    return offset + centre[:, None], variance


def standard_deviations(mean: Floats, variance: Floats, sizes: Ints) -> Floats:
    """Turn variances into the divisors `(d, N)` of StandardScaler: 1 for constant columns.

    What counts as constant is scikit-learn's bound on the rounding of a variance
    (`sklearn.preprocessing._data._is_constant_feature`).
    """
    rounding = sizes * FLOAT64_EPSILON * variance + (sizes * mean * FLOAT64_EPSILON) ** 2
    constant = variance <= rounding
    return np.asarray(np.sqrt(np.where(constant, 1.0, variance)))
