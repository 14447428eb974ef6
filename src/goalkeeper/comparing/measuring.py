"""Two results of the same attack: the values, their difference, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goalkeeper.comparing.gains import (
    SPREAD_OF_COPIES,
    compare_gains,
    error_of_training,
    widen_for_training,
)
from goalkeeper.comparing.membership import compare_scores, pair_scores, split_scores
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
    subtract,
    tries_to_detect,
)
from goalkeeper.stats.recalibrated import RoleScores

Floats = NDArray[np.float64]
SIDE = 0.025  # each bound of a two-sided 95 % interval
LEAST_COMMON = 20  # items
COMMON_SHARE = 0.5  # of the smaller sample
POINTS = 0.05
CAUTION = 0.2  # chance that a rate from which a sample size is computed is larger than taken
SHARE, FACTOR = "share", "factor"
SAME_ITEMS = "paired: {n} items are in both samples"
FEW_COMMON = "not paired: only {n} items are in both samples, of {one} and {other}"
SAME_RECORDS = "paired: {n} records are in both samples, and {aside} that thresholds are chosen on"
FEW_OF_A_ROLE = "not paired: too few records are in both samples with the same role"
NO_OUTCOMES = "not paired: the outcome of single items is not stored"
COPIES = "extraction"  # the game whose attacks train one copy a run
ONE_COPY = "not paired: each run trains one copy, and chance in that moves many items at once"
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
        case Gain(), Gain() if one.game == COPIES:
            return _inverted(before, after, ONE_COPY, spread=SPREAD_OF_COPIES)
        case Gain(), Gain() if common and _have_baselines(common):
            return _paired_gains(common, pairing)
        case Ratio(), Ratio():
            return _compare_memberships(before, one, other, same_data=same_data)
        case _:
            return _inverted(before, after, pairing)


# ---- the same items ----------------------------------------------------------------------------


def _find_common(
    one: Outcomes | None, other: Outcomes | None, *, same_data: bool
) -> tuple[tuple[_Items, _Items] | None, str]:
    """Take the items that both have, in the same order, and say why they are paired or not."""
    rows, pairing = _find_rows(one, other, same_data=same_data)
    if rows is None or one is None or other is None:
        return None, pairing
    return (_take(one, rows[0]), _take(other, rows[1])), pairing


def _find_rows(
    one: Outcomes | None, other: Outcomes | None, *, same_data: bool
) -> tuple[tuple[list[int], list[int]] | None, str]:
    """Find the places of the items that both have."""
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
    return rows, SAME_ITEMS.format(n=len(keys))


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
            # Items that a change moves come to those that move anyhow.
            lambda change, alpha: pairs_to_detect(
                change, min(1.0, changed + abs(change)), alpha=alpha
            ),
            POINTS,
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
            # A change moves one share, and their mean by half of it: at worst towards a half.
            lambda change, alpha: tries_to_detect(
                worst + math.copysign(min(abs(change) / 2, abs(0.5 - worst)), 0.5 - worst),
                change,
                alpha=alpha,
            ),
            POINTS,
        ),
    )


def _share(k: int, n: int) -> IntervalEstimate:
    return IntervalEstimate(k / n, *clopper_pearson(k, n))


# ---- gains -------------------------------------------------------------------------------------


def _paired_gains(common: tuple[_Items, _Items], pairing: str) -> MeasuredChange:
    found = compare_gains(*(np.stack([i.hits, _beside(i)], axis=1) for i in common))
    n = len(common[0].hits)
    return MeasuredChange(
        before=found.before,
        after=found.after,
        difference=found.difference,
        n=(n, n),
        p=found.p,
        test="exchange of the two runs item by item, and interval of the difference",
        measured=TEMPLATES["gain"],
        unit=SHARE,
        paired=True,
        pairing=pairing,
        sizing=ItemsNeeded(
            lambda size, alpha: items_to_detect(size, found.error, n, alpha=alpha), POINTS
        ),
    )


def _beside(items: _Items) -> Floats:
    return items.hits * 0 if items.beside is None else items.beside


# ---- membership --------------------------------------------------------------------------------


def _compare_memberships(
    tally: Ratio, one: Evidence, other: Evidence, *, same_data: bool
) -> MeasuredChange:
    """Compare scores, with thresholds that are chosen again in each draw."""
    first, second = one.result.outcomes, other.result.outcomes
    if first is None or second is None:
        raise ValueError("the scores of records are not stored")
    rows, pairing = _find_rows(first, second, same_data=same_data)
    scores = pair_scores(first, second, rows) if rows else None
    if rows:
        pairing = _say_paired(scores)
    rates = [at.fpr for at in tally.at]
    both = scores or (split_scores(first), split_scores(second))
    found = compare_scores(both, rates, paired=scores is not None)
    n = min(found.n)
    return MeasuredChange(
        before=found.before,
        after=found.after,
        difference=found.difference,
        n=found.n,
        p=found.p,
        test="exchange of records with their scores; interval by drawing records again",
        measured=TEMPLATES["ratio"].format(rate=rates[found.clearest]),
        unit=SHARE,
        paired=scores is not None,
        pairing=pairing,
        # The test is of all rates together: so is the number of records that it needs.
        sizing=ItemsNeeded(
            lambda size, alpha: items_to_detect(size, found.error, n, alpha=alpha / len(rates)),
            POINTS,
        ),
    )


def _say_paired(scores: tuple[RoleScores, RoleScores] | None) -> str:
    if scores is None:
        return FEW_OF_A_ROLE
    first = scores[0]
    return SAME_RECORDS.format(
        n=len(first.members) + len(first.others), aside=len(first.calibration)
    )


# ---- whatever has bounds at any error ----------------------------------------------------------


def _inverted(before: Tally, after: Tally, pairing: str, *, spread: float = 0.0) -> MeasuredChange:
    def at(tally: Tally) -> Callable[[float], IntervalEstimate]:
        bound = tallies.bound_at(tally)
        return (lambda tail: widen_for_training(bound(tail), spread, tail)) if spread else bound

    shown = at(before), at(after)
    about = (pvalue_of_difference(*shown), pairing, TEMPLATES[before.kind])
    share = before.kind == "gain"
    points = POINTS / before.tolerance if isinstance(before, DamageCount) else POINTS
    sizes = _count_items(before), _count_items(after)
    floor = (
        error_of_training(spread, tallies.value(before), tallies.value(after)) if spread else 0.0
    )
    return _from_bounds(shown, sizes, about, (SHARE if share else FACTOR, points, floor))


def _count_items(tally: Tally) -> int:
    if isinstance(tally, Latency):
        return len(tally.attack)
    return 0 if isinstance(tally, Ratio) else tally.n


def _from_bounds(
    shown: tuple[Callable[[float], IntervalEstimate], Callable[[float], IntervalEstimate]],
    sizes: tuple[int, int],
    about: tuple[float, str, str],
    how: tuple[str, float, float],
) -> MeasuredChange:
    (p, pairing, measured), (unit, points, floor) = about, how
    before, after = shown[0](SIDE), shown[1](SIDE)
    difference = subtract(after, before)
    width = (difference.high - difference.low) / 2 / 1.96 if _finite(difference) else math.inf
    error = math.sqrt(max(0.0, width**2 - floor**2))
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
            lambda size, alpha: items_to_detect(size, error, n, alpha=alpha, floor=floor), points
        ),
    )


def _finite(span: IntervalEstimate) -> bool:
    return math.isfinite(span.low) and math.isfinite(span.high)
