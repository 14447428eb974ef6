"""How many times longer one kind of input takes than another: quantiles and their ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.stats._check import require_share, require_tries
from goalkeeper.stats.intervals import Interval, IntervalEstimate, subtract

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TAIL_SLACK = 1e-12  # relative


def quantile_bounds(values: ArrayLike, q: float, *, alpha: float = 0.05) -> Interval:
    """Bound a quantile by order statistics, `alpha / 2` on each side, whatever the distribution.

    Where too few values were seen for a bound, it is minus or plus infinity.

    Parameters
    ----------
    values : (n,)
        Independent values, in any unit.
    q : float
        The quantile, 0.5 for the median.

    Raises
    ------
    ValueError
        If there is no value, one is NaN, or `q` or `alpha` is outside (0, 1).

    References
    ----------
    W. R. Thompson (1936), "On confidence ranges for the median and other expectation
    distributions for populations of unknown distribution form", Annals of Mathematical
    Statistics 7, 122-128.
    """
    from scipy.stats import binom

    require_share("q", q)
    require_share("alpha", alpha)
    ordered = np.sort(_costs("values", values))
    n = ordered.size
    below = binom.cdf(np.arange(n + 1), n, q)  # that at most i values lie below the quantile
    first = int((below[:n] <= alpha / 2).sum())  # rank of the lower bound, 0: there is none
    # 1 - below has lost digits: where it equals alpha / 2 but for that, it counts as equal.
    last = (
        int((1 - below[:n] > alpha / 2 * (1 + TAIL_SLACK)).sum()) + 1
    )  # of the upper, n + 1: none
    low = ordered[first - 1] if first else -np.inf
    high = ordered[last - 1] if last <= n else np.inf
    return Interval(float(low), float(high))


def latency_factor(
    attack: ArrayLike, benign: ArrayLike, *, q: float = 0.5, alpha: float = 0.05
) -> IntervalEstimate:
    """Estimate how many times the cost of benign inputs attack inputs have, at a quantile.

    Each bound holds with about `1 - alpha` on its own: on the scale of logarithms, the distances
    of the bounds of the two quantiles are squared and added (Zou and Donner, as in `excess`).
    Wide scatter, as on a busy machine, gives a wide interval. Without enough values the bounds
    are 0 and infinity.

    Parameters
    ----------
    attack, benign : (n,), (m,)
        Cost of each input, in one and the same unit, not negative.
    q : float
        The quantile of both: 0.5 compares medians, 0.99 the slowest answers.

    Raises
    ------
    ValueError
        As `quantile_bounds`, or if a cost is negative.

    References
    ----------
    W. R. Thompson (1936), as `quantile_bounds`; G. Y. Zou, A. Donner (2008), as `excess`.
    """
    attacked, harmless = _costs("attack costs", attack), _costs("benign costs", benign)
    if min(attacked.min(), harmless.min()) < 0:
        raise ValueError("a cost is negative; give seconds or operations, from a steady clock")
    over, under = (_bound_quantile(costs, q, 2 * alpha) for costs in (attacked, harmless))
    factor = _ratio(over.value, under.value)
    if over.value > 0 and under.value > 0:
        reach = subtract(_scale_logs(over), _scale_logs(under))
        low, high = np.exp(reach.low), np.exp(reach.high)
        return IntervalEstimate(factor, float(factor * low), float(factor * high))
    return IntervalEstimate(
        factor,
        0.0 if np.isinf(under.high) else _ratio(over.low, under.high),
        np.inf if under.low <= 0 else _ratio(over.high, under.low),
    )


def _bound_quantile(costs: NDArray[np.float64], q: float, alpha: float) -> IntervalEstimate:
    low, high = quantile_bounds(costs, q, alpha=min(alpha, 0.99))
    value = float(np.quantile(costs, q))
    return IntervalEstimate(value, min(max(low, 0.0), value), max(high, value))


def _scale_logs(estimate: IntervalEstimate) -> IntervalEstimate:
    """Give the bounds as logarithms of multiples of the value, whose own is 0."""
    with np.errstate(divide="ignore"):
        low, high = np.log(estimate.low / estimate.value), np.log(estimate.high / estimate.value)
    return IntervalEstimate(0.0, float(low), float(high))


def _ratio(over: float, under: float) -> float:
    """Divide; nothing over nothing is no difference."""
    if under > 0:
        return over / under
    return np.inf if over > 0 else 1.0


def _costs(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"need a vector of {name}, got shape {array.shape}")
    require_tries(array.size)
    if np.isnan(array).any():
        raise ValueError(f"{np.isnan(array).sum()} of {array.size} {name} are NaN")
    return array
