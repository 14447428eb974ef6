"""Success as a curve over what the attacker spends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from goalkeeper.stats._check import require_positive, require_share, require_tries
from goalkeeper.stats._exact import exact_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Band(NamedTuple):
    """A curve `(m,)` of shares with its pointwise lower and upper bounds `(m,)`."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def cumulative_success(cost: ArrayLike, grid: ArrayLike) -> NDArray[np.int64]:
    """Count how many campaigns had succeeded within each budget.

    Parameters
    ----------
    cost : (n,)
        What each campaign spent until it succeeded; inf where it never did.
    grid : (m,)
        Budgets in the same unit.

    Returns
    -------
    (m,)
        Campaigns with a cost of at most the budget.

    Raises
    ------
    ValueError
        If a cost or a budget is NaN.
    """
    spent, budget = np.asarray(cost, np.float64), np.asarray(grid, np.float64)
    if np.isnan(spent).any() or np.isnan(budget).any():
        raise ValueError("a cost or a budget is NaN; give inf for a campaign without success")
    return np.searchsorted(np.sort(spent), budget, side="right").astype(np.int64)


def nondecreasing_band(successes: ArrayLike, n: int, *, alpha: float = 0.05) -> Band:
    """Bound a cumulative success curve pointwise, `alpha / 2` on each side of each point.

    Both bounds rise with the curve. They hold point by point, not for all points at once;
    divide `alpha` by the number of points for that.

    Parameters
    ----------
    successes : (m,)
        Campaigns solved within each budget, in order of the budgets.
    n : int
        All campaigns, solved or not.

    Raises
    ------
    ValueError
        If `n` is 0 (treat as inconclusive), a count is outside `[0, n]` or the counts fall:
        "solved within b" cannot.

    References
    ----------
    C. J. Clopper, E. S. Pearson (1934), Biometrika 26, 404-413.
    """
    require_tries(n)
    require_share("alpha", alpha)
    solved = np.asarray(successes, np.float64)
    if not np.all((solved >= 0) & (solved <= n)) or np.any(np.diff(solved) < 0):
        raise ValueError(
            f"need counts from 0 to {n} that never fall, got {solved.tolist()}; "
            "count with cumulative_success over a rising grid"
        )
    low, high = exact_bounds(solved, n, alpha / 2)
    return Band(solved / n, low, high)


@overload
def geometric_grid(limit: int, points: int = 6) -> NDArray[np.int64]: ...
@overload
def geometric_grid(limit: float, points: int = 6) -> NDArray[np.float64]: ...
def geometric_grid(limit: float, points: int = 6) -> NDArray[np.int64] | NDArray[np.float64]:
    """Choose a few budgets, evenly spaced on a logarithmic scale, that end exactly at `limit`.

    Parameters
    ----------
    limit : int or float
        The largest budget. A whole number of type int gives whole budgets from 1 on, and fewer
        points where neighbours would coincide; a float gives budgets that double up to it.
    points : int
        Budgets at most.

    Returns
    -------
    (m,)
        Rising budgets, `m <= points`.

    Raises
    ------
    ValueError
        If `limit` is not above 0 and finite, or `points` is below 1.
    """
    require_positive("points", points)
    if not 0 < limit < np.inf:
        raise ValueError(f"need a budget above 0 and finite, got {limit}; set a limit to spend")
    if isinstance(limit, int | np.integer):
        whole = np.rint(np.geomspace(1, limit, points)).astype(np.int64)
        whole[-1] = limit
        return np.unique(whole)
    grid = limit * 2.0 ** np.arange(1 - points, 1)
    return grid.astype(np.float64)
