"""How many tries a claim takes, and what a number of tries can claim."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

from goalkeeper.stats._check import require_probability, require_share, require_tries
from goalkeeper.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

WELL_RESOLVED = 130  # expected false positives
# Keeps a quotient that is whole but for rounding, as 20 / 0.001, from being rounded up.
_QUOTIENT_SLACK = 1e-9


def upper_after_zero(n: int, *, alpha: float = 0.05) -> float:
    """Bound a rate from above after no success in `n` tries: `1 - alpha ** (1 / n)`.

    Raises
    ------
    ValueError
        If `n` is 0: nothing was tried, treat as inconclusive.
    """
    require_tries(n)
    require_share("alpha", alpha)
    return -math.expm1(math.log(alpha) / n)


def tries_to_exclude(rate: float, *, alpha: float = 0.05) -> int:
    """Count the tries that exclude a success rate of `rate` or more, if none of them succeeds.

    Raises
    ------
    ValueError
        If `rate` or `alpha` is outside (0, 1): no number of tries excludes a rate of 0.
    """
    require_share("rate", rate)
    require_share("alpha", alpha)
    return max(1, math.ceil(math.log(alpha) / math.log1p(-rate) * (1.0 - _QUOTIENT_SLACK)))


def tries_for_width(width: float, *, rate: float = 0.5, alpha: float = 0.05) -> int:
    """Count the tries after which a two-sided Clopper-Pearson interval is at most `width` wide.

    Parameters
    ----------
    width : float
        Distance from low to high, a share.
    rate : float
        The success rate to expect; the default is the worst case.

    Raises
    ------
    ValueError
        If `width` or `alpha` is outside (0, 1), or `rate` outside [0, 1].
    """
    require_share("width", width)
    require_probability("rate", rate)

    def is_narrow(n: int) -> bool:
        low, high = clopper_pearson(rate * n, n, alpha=alpha)
        return high - low <= width

    # The width falls with n: double until it is narrow enough, then bisect.
    enough = 1
    while not is_narrow(enough):
        enough *= 2
    return 1 + bisect_left(range(1, enough + 1), 1, key=lambda n: int(is_narrow(n)))


def negatives_for_fpr(fpr: float, expected: float = 20) -> int:
    """Count the non-members for which `expected` false positives are expected at a rate `fpr`.

    Raises
    ------
    ValueError
        If `fpr` is outside (0, 1) or `expected` is not above 0.
    """
    require_share("fpr", fpr)
    if not expected > 0:
        raise ValueError(
            f"need expected > 0, got {expected}; 20 false positives are enough for a ratio"
        )
    return math.ceil(expected / fpr * (1.0 - _QUOTIENT_SLACK))


def resolved_rates(
    fprs: Sequence[float], negatives: int, expected: float = 30
) -> tuple[float, ...]:
    """Keep the false positive rates that a number of non-members resolves; one at least.

    At a rate with few expected false positives a ratio has no upper bound to speak of, and it
    alone would decide what cannot be excluded: with 30 a leak-free application stays below a
    ratio of e in at least 90 % of cases, and with `WELL_RESOLVED` below 1.5.

    Parameters
    ----------
    fprs : sequence of float
        Rates, in (0, 1). Where none is resolved, the largest is kept.
    negatives : int
        Non-members that are evaluated.
    expected : float
        False positives that must be expected.

    Raises
    ------
    ValueError
        If a rate is outside (0, 1), or there is none.
    """
    resolved = tuple(fpr for fpr in fprs if negatives_for_fpr(fpr, expected) <= negatives)
    return resolved or (max(fprs),)


def minimum_detectable(
    n: int, baseline: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Find the smallest success rate that `n` tries distinguish from `baseline` often enough.

    The test is the exact one-sided binomial test of "the rate is `baseline` or less" at
    `alpha`, that is a one-sided Clopper-Pearson lower bound above `baseline`; it must reject
    with probability `power`.

    Parameters
    ----------
    n : int
        Tries.
    baseline : float
        Known rate in [0, 1), such as chance.
    power : float
        Wanted probability of detection.

    Raises
    ------
    ValueError
        If even `n` successes of `n` would not tell; the message says how many tries would.
    """
    from scipy.special import betainc, betaincinv

    require_tries(n)
    require_share("alpha", alpha)
    require_share("power", power)
    if not 0.0 <= baseline < 1.0:
        raise ValueError(f"need 0 <= baseline < 1, got {baseline}; nothing exceeds a rate of 1")
    critical = 1 + bisect_left(
        range(1, n + 1), 1, key=lambda k: int(betainc(k, n - k + 1, baseline) <= alpha)
    )
    if critical > n:
        needed = math.ceil(math.log(alpha) / math.log(baseline) * (1.0 - _QUOTIENT_SLACK))
        raise ValueError(
            f"{n} successes of {n} would not distinguish a rate from {baseline} at alpha {alpha}; "
            f"make at least {needed} tries"
        )
    return float(betaincinv(critical, n - critical + 1, power))


def campaign(p: float, tries: int) -> float:
    """Give the chance that one of `tries` succeeds: `1 - (1 - p) ** tries`.

    Exact for independent tries, an upper bound where success on one input makes success on the
    next likelier (some inputs are easy, others hard).

    Parameters
    ----------
    p : float
        Success rate of one try, or a bound of it.
    tries : int
        Tries that one campaign may make.

    Raises
    ------
    ValueError
        If `p` is outside [0, 1] or `tries` is negative.
    """
    require_probability("p", p)
    if tries < 0:
        raise ValueError(f"need tries >= 0, got {tries}; take the attacker's spending budget")
    if p == 1.0:
        return float(tries > 0)
    return -math.expm1(tries * math.log1p(-p))
