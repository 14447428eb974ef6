"""Two results of the same attack: the values, their difference, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Evidence,
    Gain,
    Latency,
    Outcomes,
    Proportion,
    Ratio,
    Tally,
)
from goalkeeper.games import tallies
from goalkeeper.stats import (
    Interval,
    IntervalEstimate,
    clopper_pearson,
    excess,
    fisher,
    items_to_detect,
    mcnemar,
    paired_difference,
    pairs_to_detect,
    pvalue_of_difference,
    resample_difference,
    subtract,
    swap_test,
    tries_to_detect,
)

Floats = NDArray[np.float64]
SIDE = 0.025  # each bound of a two-sided 95 % interval
LEAST_COMMON = 20  # items
COMMON_SHARE = 0.5  # of the smaller sample
POINTS = 0.05
CAUTION = 0.2  # chance that a rate from which a sample size is computed is larger than taken
SHARE, FACTOR = "share", "factor"
SAME_ITEMS = "paired: {n} items are in both samples"
FEW_COMMON = "not paired: only {n} items are in both samples, of {one} and {other}"
NO_OUTCOMES = "not paired: the outcome of single items is not stored"
OTHER_DATA = "not paired: the data differ, so that the items are others"
TEMPLATES = {
    "proportion": "share of items on which it succeeds",
    "accuracy": "share of correct guesses",
    "gain": "gain over the best without access to the model",
    "damage": "harm as a multiple of the tolerance",
    "latency": "cost of an answer as a multiple of an ordinary one",
    "ratio": "share of training records that are recognised, less that of other records taken for "
    "such, at a threshold for {rate:.1%} of the latter",
}


class ItemsNeeded(NamedTuple):
    """From a change and an error probability to the items needed in each run."""

    needed: Callable[[float, float], int | None]
    five_points: float


@dataclass(frozen=True, kw_only=True)
class MeasuredChange:
    """What two results of an attack say of each other; values have two-sided 95 % intervals."""

    before: IntervalEstimate
    after: IntervalEstimate
    difference: IntervalEstimate
    n: tuple[int, int]
    p: float
    test: str
    measured: str
    unit: str
    paired: bool
    pairing: str
    sizing: ItemsNeeded


class _Items(NamedTuple):
    """Outcomes of the items of one side: hits and what stands beside them, each `(n,)`."""

    hits: Floats
    beside: Floats | None


def measure_change(one: Evidence, other: Evidence, *, same_data: bool) -> MeasuredChange:
    """Compare the results at the largest budget; both must be tested and of the same kind."""
    before, after = (max(e.result.trials, key=lambda t: t.budget).tally for e in (one, other))
    common, pairing = _find_common(one.result.outcomes, other.result.outcomes, same_data=same_data)
    match before, after:
        case Proportion(), Proportion():
            if common:
                return _paired_shares(common[0].hits, common[1].hits, before.kind, pairing)
            counts = (before.successes, before.n, after.successes, after.n)
            return _unpaired_shares(counts, before.kind, pairing)
        case Accuracy(), Accuracy():
            counts = (before.correct, before.n, after.correct, after.n)
            return _unpaired_shares(counts, before.kind, pairing)
        case Gain(), Gain() if common and _have_baselines(common):
            return _paired_gains(common, pairing)
        case Ratio(), Ratio() if common:
            return _paired_ratios((before, after), common, pairing)
        case Ratio(), Ratio():
            return _unpaired_ratios(before, after, pairing)
        case _:
            return _inverted(before, after, pairing)


# ---- the same items ----------------------------------------------------------------------------


def _find_common(
    one: Outcomes | None, other: Outcomes | None, *, same_data: bool
) -> tuple[tuple[_Items, _Items] | None, str]:
    """Find the items that both have, in the same order, and say why they are paired or not."""
    if not same_data:
        return None, OTHER_DATA
    if one is None or other is None:
        return None, NO_OUTCOMES
    places, again = _places(one), _places(other)
    keys = [key for key in places if key in again]
    fewest = min(len(places), len(again))
    if len(keys) < max(min(LEAST_COMMON, fewest), COMMON_SHARE * fewest, 1):
        return None, FEW_COMMON.format(n=len(keys), one=len(places), other=len(again))
    rows = [places[key] for key in keys], [again[key] for key in keys]
    pair = _take(one, rows[0]), _take(other, rows[1])
    return pair, SAME_ITEMS.format(n=len(keys))


def _places(outcomes: Outcomes) -> dict[tuple[str, str, int], int]:
    """Map each item to its place; equal ones are told apart by their order."""
    found: dict[tuple[str, str, int], int] = {}
    times: dict[str, int] = {}
    for place in range(len(outcomes.hits)):
        name = outcomes.ids[4 * place : 4 * place + 4]
        times[name] = times.get(name, 0) + 1
        found[name, "", times[name]] = place
    return found


def _take(outcomes: Outcomes, rows: list[int]) -> _Items:
    def digits(text: str) -> Floats:
        return np.array([int(text[row]) for row in rows], dtype=np.float64)

    return _Items(digits(outcomes.hits), digits(outcomes.beside) if outcomes.beside else None)


def _have_baselines(common: tuple[_Items, _Items]) -> bool:
    return all(items.beside is not None for items in common)


# ---- shares ------------------------------------------------------------------------------------


def _paired_shares(before: Floats, after: Floats, kind: str, pairing: str) -> MeasuredChange:
    n = len(before)
    gained, lost = (
        int(((after == 1) & (before == 0)).sum()),
        int(((before == 1) & (after == 0)).sum()),
    )
    span = _bound_pairs(gained, lost, n)
    changed = clopper_pearson(gained + lost, n, alpha=CAUTION, side="upper").high
    return MeasuredChange(
        before=_share(int(before.sum()), n),
        after=_share(int(after.sum()), n),
        difference=IntervalEstimate((gained - lost) / n, *span),
        n=(n, n),
        p=mcnemar(gained, lost),
        test="exact test of McNemar",
        measured=TEMPLATES[kind],
        unit=SHARE,
        paired=True,
        pairing=pairing,
        sizing=ItemsNeeded(
            lambda change, alpha: pairs_to_detect(change, changed, alpha=alpha), POINTS
        ),
    )


@lru_cache(maxsize=4096)  # many attacks have the same counts, as where nothing has changed
def _bound_pairs(gained: int, lost: int, n: int) -> Interval:
    return paired_difference(gained, lost, n, alpha=SIDE)


def _unpaired_shares(counts: tuple[int, int, int, int], kind: str, pairing: str) -> MeasuredChange:
    k0, n0, k1, n1 = counts
    span = excess(k1, n1, k0, n0, alpha=SIDE)
    pooled = clopper_pearson(k0 + k1, n0 + n1, alpha=2 * CAUTION)
    worst = min(max(0.5, pooled.low), pooled.high)
    return MeasuredChange(
        before=_share(k0, n0),
        after=_share(k1, n1),
        difference=IntervalEstimate(k1 / n1 - k0 / n0, *span),
        n=(n0, n1),
        p=fisher(k1, n1, k0, n0),
        test="Fisher's exact test",
        measured=TEMPLATES[kind],
        unit=SHARE,
        paired=False,
        pairing=pairing,
        sizing=ItemsNeeded(
            lambda change, alpha: tries_to_detect(worst, change, alpha=alpha), POINTS
        ),
    )


def _share(k: int, n: int) -> IntervalEstimate:
    return IntervalEstimate(k / n, *clopper_pearson(k, n))


# ---- gains and membership on the same items ------------------------------------------------------


def _paired_gains(common: tuple[_Items, _Items], pairing: str) -> MeasuredChange:
    before, after = (np.stack([i.hits, _beside(i)], axis=1) for i in common)
    n = len(before)

    def gain(sums: Floats) -> Floats:
        left = n - sums[..., 1]
        return np.divide(sums[..., 0] - sums[..., 1], left, out=np.zeros_like(left), where=left > 0)

    estimates = [
        tallies.estimate_tally(tallies.paired_gain(each[:, 0] == 1, each[:, 1] == 1))
        for each in (before, after)
    ]
    p = swap_test(before, after, lambda sums: gain(sums)[..., None], _rng()).p
    span, error = resample_difference(before, after, gain, _rng())
    error = max(error, _least_error(before, after) * n / max(1.0, n - after[:, 1].sum()))
    return _from_resamples(estimates, span, error, (n, p, pairing), TEMPLATES["gain"])


def _paired_ratios(
    tally: tuple[Ratio, Ratio], common: tuple[_Items, _Items], pairing: str
) -> MeasuredChange:
    rates = [at.fpr for at in tally[0].at]
    member = _beside(common[0])
    positives, negatives = max(member.sum(), 1.0), max((1 - member).sum(), 1.0)
    thresholds = np.arange(len(rates), 0, -1)  # a record above the highest is above all

    def flags(items: _Items) -> Floats:
        above = items.hits[:, None] >= thresholds
        return np.asarray(
            np.where(member[:, None] == 1, above / positives, -(above / negatives)), np.float64
        )

    before, after = flags(common[0]), flags(common[1])
    found = swap_test(before, after, lambda sums: sums, _rng())
    at = found.clearest
    span, error = resample_difference(before, after, lambda sums: sums[..., at], _rng())
    error = max(error, _least_error(before, after) * len(member) / min(positives, negatives))
    estimates = [_advantage(items.hits >= thresholds[at], member, SIDE) for items in common]
    measured = TEMPLATES["ratio"].format(rate=rates[at])
    change = _from_resamples(estimates, span, error, (len(member), found.p, pairing), measured)
    # The test is of all rates together: so is the number of records that it needs.
    needed = change.sizing.needed
    sizing = ItemsNeeded(lambda size, alpha: needed(size, alpha / len(rates)), POINTS)
    return MeasuredChange(**{**vars(change), "sizing": sizing, "unit": SHARE})


def _least_error(before: Floats, after: Floats) -> float:
    """Give the standard error of the share of items that changed, taken with caution."""
    n, changed = len(before), int((before != after).any(axis=1).sum())
    return math.sqrt(clopper_pearson(changed, n, alpha=CAUTION, side="upper").high / n)


def _beside(items: _Items) -> Floats:
    return items.hits * 0 if items.beside is None else items.beside


def _rng() -> np.random.Generator:
    """Draw the same in every comparison, so that it can be repeated."""
    return np.random.default_rng(0)


def _from_resamples(
    estimates: list[IntervalEstimate],
    span: IntervalEstimate,
    error: float,
    about: tuple[int, float, str],
    measured: str,
) -> MeasuredChange:
    n, p, pairing = about
    return MeasuredChange(
        before=estimates[0],
        after=estimates[1],
        difference=span,
        n=(n, n),
        p=p,
        test="exchange of the two runs item by item; interval by drawing items again",
        measured=measured,
        unit=SHARE,
        paired=True,
        pairing=pairing,
        sizing=ItemsNeeded(
            lambda size, alpha: items_to_detect(size, error, n, alpha=alpha), POINTS
        ),
    )


# ---- whatever has bounds at any error ----------------------------------------------------------


def _advantage(above: Any, member: Floats, tail: float) -> IntervalEstimate:
    """Bound the true less the false positive rate, from which records are above a threshold."""
    inside, outside = above[member == 1], above[member == 0]
    counts = (int(inside.sum()), max(len(inside), 1), int(outside.sum()), max(len(outside), 1))
    return _excess(*counts, tail)


def _excess(k1: int, n1: int, k0: int, n0: int, tail: float) -> IntervalEstimate:
    return IntervalEstimate(k1 / n1 - k0 / n0, *excess(k1, n1, k0, n0, alpha=tail))


def _unpaired_ratios(before: Ratio, after: Ratio, pairing: str) -> MeasuredChange:
    """Compare at each false-positive rate, and take the clearest with its p-value corrected."""

    def at(tally: Ratio, i: int) -> Callable[[float], IntervalEstimate]:
        c = tally.at[i]
        counts = (c.true_positives, c.positives, c.false_positives, c.negatives)
        return lambda tail: _excess(*counts, tail)

    rates = [each.fpr for each in before.at]
    ps = [pvalue_of_difference(at(before, i), at(after, i)) for i in range(len(rates))]
    best = max(range(len(ps)), key=lambda i: (-ps[i], i))
    about = (min(1.0, ps[best] * len(ps)), pairing, TEMPLATES["ratio"].format(rate=rates[best]))
    sizes = tuple(min(t.at[best].positives, t.at[best].negatives) for t in (before, after))
    shown = at(before, best), at(after, best)
    return _from_bounds(shown, (sizes[0], sizes[1]), about, (SHARE, POINTS, len(ps)))


def _inverted(before: Tally, after: Tally, pairing: str) -> MeasuredChange:
    def at(tally: Tally) -> Callable[[float], IntervalEstimate]:
        value = tallies.value(tally)

        def bound(tail: float) -> IntervalEstimate:
            low, high = tallies.bounds(tally, tail)
            return IntervalEstimate(min(max(value, low), high), low, high)

        return bound

    shown = at(before), at(after)
    about = (pvalue_of_difference(*shown), pairing, TEMPLATES[before.kind])
    share = before.kind == "gain"
    points = POINTS / before.tolerance if isinstance(before, DamageCount) else POINTS
    sizes = _count_items(before), _count_items(after)
    return _from_bounds(shown, sizes, about, (SHARE if share else FACTOR, points, 1))


def _count_items(tally: Tally) -> int:
    if isinstance(tally, Latency):
        return len(tally.attack)
    return 0 if isinstance(tally, Ratio) else tally.n


def _from_bounds(
    shown: tuple[Callable[[float], IntervalEstimate], Callable[[float], IntervalEstimate]],
    sizes: tuple[int, int],
    about: tuple[float, str, str],
    how: tuple[str, float, int],
) -> MeasuredChange:
    (p, pairing, measured), (unit, points, tests) = about, how
    before, after = shown[0](SIDE), shown[1](SIDE)
    difference = subtract(after, before)
    error = (difference.high - difference.low) / 2 / 1.96 if _finite(difference) else math.inf
    n = max(1, min(sizes))
    return MeasuredChange(
        before=before,
        after=after,
        difference=difference,
        n=sizes,
        p=p,
        test="interval of the difference, from the bounds of both",
        measured=measured,
        unit=unit,
        paired=False,
        pairing=pairing,
        sizing=ItemsNeeded(
            lambda size, alpha: items_to_detect(size, error, n, alpha=alpha / tests), points
        ),
    )


def _finite(span: IntervalEstimate) -> bool:
    return math.isfinite(span.low) and math.isfinite(span.high)
