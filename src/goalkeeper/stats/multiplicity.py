"""Several questions asked of the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.stats._check import require_positive, require_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def bonferroni(alpha: float, m: int) -> float:
    """Split an error probability over `m` statements, so that all hold with `1 - alpha`.

    Raises
    ------
    ValueError
        If `alpha` is outside (0, 1) or `m` is below 1.

    References
    ----------
    O. J. Dunn (1961), "Multiple comparisons among means", JASA 56, 52-64.
    """
    require_share("alpha", alpha)
    require_positive("m", m)
    return alpha / m


def holm(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that rejecting those `<= alpha` is wrong anywhere in `alpha` of cases.

    Parameters
    ----------
    pvalues : (m,)
        One p-value per hypothesis, dependent in any way.

    Returns
    -------
    (m,)
        Adjusted p-values in the given order.

    Raises
    ------
    ValueError
        If a p-value is outside [0, 1].

    References
    ----------
    S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6, 65-70.
    """
    p = np.asarray(pvalues, np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"need a vector of p-values from 0 to 1, got {p.tolist()}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted
