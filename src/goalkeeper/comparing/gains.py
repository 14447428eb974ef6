"""Two results in gains over the best without access to the model.

A gain `(a - b) / (1 - b)` may be the same in two runs although the shares `a` of the attack and `b`
of the best without access differ. Then the runs cannot be exchanged item by item, although
nothing that matters has changed. So a change has to stand two tests: the exchange, which is exact
where the runs are alike in everything, and the interval of the difference of the two gains, which
asks only whether the gains are alike.

A copy of a model is trained once in each run, and the luck of that one training moves many items at
once. Its spread cannot be seen in one run; it is taken from repeated runs on known models.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goalkeeper.games import tallies
from goalkeeper.stats import (
    IntervalEstimate,
    clopper_pearson,
    pvalue_of_difference,
    resample_difference,
    swap_test,
)

Floats = NDArray[np.float64]
CAUTION = 0.2  # chance that a rate from which a sample size is computed is larger than taken
# Standard deviation, over seeds, of the logarithm of what a copy misses of what the best without
# access leaves: root mean square over copies of seven models by two attacks, five seeds each.
LUCK_OF_COPIES = 0.75
CLEARLY_CHANCE = 0.05  # p-value of one test above which the other need not be asked


class GainChange(NamedTuple):
    """What became of a gain on the same items."""

    before: IntervalEstimate
    after: IntervalEstimate
    difference: IntervalEstimate
    error: float
    p: float


def compare_gains(before: Floats, after: Floats) -> GainChange:
    """Compare gains on the same items; given is what attack and baseline had right `(n, 2)`."""
    n = len(before)

    def gain(sums: Floats) -> Floats:
        left = n - sums[..., 1]
        return np.divide(sums[..., 0] - sums[..., 1], left, out=np.zeros_like(left), where=left > 0)

    counts = [tallies.paired_gain(each[:, 0] == 1, each[:, 1] == 1) for each in (before, after)]
    p = swap_test(before, after, lambda sums: gain(sums)[..., None], _rng()).p
    if p <= CLEARLY_CHANCE:
        bounds = (tallies.bound_at(each) for each in counts)
        p = max(p, pvalue_of_difference(*bounds, correlation=_correlate(before, after)))
    span, error = resample_difference(before, after, gain, _rng())
    return GainChange(
        *(tallies.estimate_tally(each) for each in counts),
        difference=span,
        error=max(error, _least_error(before, after) * n / max(1.0, n - after[:, 1].sum())),
        p=p,
    )


def _correlate(before: Floats, after: Floats) -> float:
    """Correlate the two gains, by what each item adds to them."""
    first, second = (_influence(each) for each in (before, after))
    spread = float(first.std() * second.std())
    return float((first * second).mean() / spread) if spread > 0 else 0.0


def _influence(items: Floats) -> Floats:
    """Give what each item adds to the gain, but for a factor; the mean is 0."""
    attack, beside = items[:, 0], items[:, 1]
    left = (1 - beside).sum()
    gain = (attack - beside).sum() / left if left else 0.0
    added = attack - beside - gain * (1 - beside)
    return np.asarray(added - added.mean())


def _least_error(before: Floats, after: Floats) -> float:
    """Give the standard error of the share of items that changed, taken with caution."""
    n, changed = len(before), int((before != after).any(axis=1).sum())
    return math.sqrt(clopper_pearson(changed, n, alpha=CAUTION, side="upper").high / n)


def _rng() -> np.random.Generator:
    """Draw the same in every comparison, so that it can be repeated."""
    return np.random.default_rng(0)


# ---- copies --------------------------------------------------------------------------------------


def allow_for_luck(found: IntervalEstimate, luck: float, tail: float) -> IntervalEstimate:
    """Widen the bounds of a gain by the spread of what is missing to 1, in logarithms.

    Parameters
    ----------
    found
        The gain, with bounds that hold for its items, each wrong with `tail` at most.
    luck
        Standard deviation, from run to run, of the logarithm of 1 less the gain.
    """
    from scipy.special import ndtri

    reach = luck * float(ndtri(1 - tail))
    missing, least, most = 1 - found.value, 1 - found.high, 1 - found.low
    if missing <= 0:
        return found._replace(low=1 - most * math.exp(reach))
    up = math.inf if math.isinf(most) else math.hypot(math.log(most / missing), reach)
    down = math.inf if least <= 0 else math.hypot(math.log(missing / least), reach)
    return found._replace(
        low=-math.inf if math.isinf(up) else 1 - missing * math.exp(up),
        high=1 - missing * math.exp(-down),
    )


def error_of_luck(luck: float, before: float, after: float) -> float:
    """Give the standard error of a difference of gains that no number of items makes smaller."""
    return luck * math.hypot(1 - before, 1 - after)
