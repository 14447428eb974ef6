"""Means and variances of every column in every subset, by products with the masks."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints

SUSPECT = 1e-8  # a column whose variance shrank by this factor is looked at exactly
EPS = float(np.finfo(np.float64).eps)


def moments(raw: Floats, masks: Bools) -> tuple[Floats, Floats]:
    """Mean and variance of every column in every subset, each `(d, N)`.

    Parameters
    ----------
    raw
        Rows `(n, d)`.
    masks
        Subsets `(N, n)`, none of them empty.
    """
    sizes, member = masks.sum(axis=1), np.ascontiguousarray(masks.T, dtype=np.float64)
    centre = raw.mean(axis=0)
    rows = raw - centre
    offset = (rows.T @ member) / sizes
    variance = (np.square(rows).T @ member) / sizes - offset * offset
    suspects = np.argwhere(variance <= SUSPECT * rows.var(axis=0)[:, None])
    for column, model in suspects:
        variance[column, model] = raw[masks[model], column].var()
    return offset + centre[:, None], variance


def spreads(mean: Floats, variance: Floats, sizes: Ints) -> Floats:
    """Turn variances into the spreads `(d, N)` of StandardScaler: 1 for constant columns."""
    constant = variance <= sizes * EPS * variance + (sizes * mean * EPS) ** 2
    return np.asarray(np.sqrt(np.where(constant, 1.0, variance)))
