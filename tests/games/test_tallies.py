"""Bounds of every kind of tally, where they have a closed form: all of n, or none of n.

The exact bound of all of n at a tail t is t ** (1 / n) from below, that of none of n is
1 - t ** (1 / n) from above; what joins two samples takes 0.85 of alpha for each of the bounds, and
adds the squares of their distances.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Gain,
    Latency,
    Proportion,
    Ratio,
    RatioAt,
    Tally,
)
from goalkeeper.games.membership.roles import FALSE_POSITIVE_RATES
from goalkeeper.games.tallies import (
    NULL,
    beats_baseline,
    bounds,
    estimate_tally,
    paired_gain,
    paired_proportion,
    perfect_tally,
    value,
)
from goalkeeper.stats import calibrated_threshold, counts_at_threshold

ALPHA, N = 0.03, 40
JOINED = 0.85 * ALPHA


def all_of(n: int, tail: float) -> float:
    return float(tail ** (1 / n))


def none_of(n: int, tail: float) -> float:
    return 1 - all_of(n, tail)


def proportion(k: int, k0: int) -> Proportion:
    return Proportion(successes=k, n=N, baseline_successes=k0, baseline_n=2 * N)


def gain(k: int, k0: int) -> Gain:
    return Gain(successes=k, n=N, baseline_successes=k0, baseline_n=2 * N)


def ratio(*rates: tuple[int, int]) -> Ratio:
    at = [
        RatioAt(fpr=0.1, true_positives=tp, positives=N, false_positives=fp, negatives=2 * N)
        for tp, fp in rates
    ]
    return Ratio(at=tuple(at))


def latency(attack: float) -> Latency:
    return Latency(attack=(attack,) * N, benign=(1.0,) * N, quantile=0.5, unit="operations")


def damage(gained: int, lost: int = 0, tolerance: float = 0.01) -> DamageCount:
    return DamageCount(gained=(gained,) * 5, lost=(lost,) * 5, n=N, tolerance=tolerance)


def test_a_success_rate_is_bounded_over_its_baseline() -> None:
    reach = math.hypot(none_of(N, JOINED), none_of(2 * N, JOINED))
    assert bounds(proportion(N, 0), ALPHA) == pytest.approx((1 - reach, 1.0))
    same = bounds(proportion(N, 2 * N), ALPHA)
    assert same == pytest.approx((-none_of(N, JOINED), none_of(2 * N, JOINED)))


def test_an_accuracy_spends_all_of_alpha_on_each_bound() -> None:
    assert bounds(Accuracy(correct=N, n=N), ALPHA).low == pytest.approx(all_of(N, ALPHA))
    assert bounds(Accuracy(correct=0, n=N), ALPHA).high == pytest.approx(none_of(N, ALPHA))


def test_a_gain_is_a_share_of_what_the_baseline_leaves_open() -> None:
    missed, open_ = none_of(N, JOINED), none_of(2 * N, JOINED)  # 1 - gain is their largest ratio
    highest = (missed**2 / (1 - open_**2)) ** 0.5
    assert bounds(gain(N, 0), ALPHA) == pytest.approx((1 - highest, 1.0))
    assert bounds(gain(N, 2 * N), ALPHA).low == -math.inf


def test_likelihood_ratios_share_alpha_from_below_and_none_from_above() -> None:
    """The best of several rates is reported: each lower bound must hold for all of them."""
    for rates in (1, 4):
        tail = JOINED / rates
        missed, alarms = none_of(N, tail), none_of(2 * N, tail)
        found = bounds(ratio(*[(N, 0)] * rates), ALPHA)
        assert found == pytest.approx(((1 - missed**2) ** 0.5 / alarms, math.inf))
    worst = bounds(ratio((0, 2 * N), (0, 2 * N)), ALPHA)
    assert worst.low == 0.0
    assert worst.high == pytest.approx(
        none_of(N, JOINED) / (1 - none_of(2 * N, JOINED) ** 2) ** 0.5
    )
    assert bounds(ratio((0, 2 * N), (N, 0)), ALPHA) == bounds(ratio((N, 0), (0, 2 * N)), ALPHA)


def test_damage_is_in_multiples_of_the_tolerance() -> None:
    whole = bounds(damage(20, 4, tolerance=1.0), ALPHA)
    assert bounds(damage(20, 4, tolerance=0.01), ALPHA) == pytest.approx(
        (100 * whole.low, 100 * whole.high)
    )
    assert value(damage(20, 4)) == pytest.approx(16 / N / 0.01)


def test_a_latency_is_compared_at_its_quantile() -> None:
    tail = Latency(
        attack=(*[1.0] * 900, *[8.0] * 100), benign=(1.0,) * 1000, quantile=0.95, unit="seconds"
    )
    assert bounds(tail, ALPHA) == (8.0, 8.0)
    assert bounds(tail.model_copy(update={"quantile": 0.5}), ALPHA) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        (proportion(30, 20), 30 / N - 20 / (2 * N)),
        (Accuracy(correct=30, n=N), 0.75),
        (gain(30, 20), (0.75 - 0.25) / 0.75),
        (gain(30, 2 * N), 0.0),
        (ratio((20, 8), (10, 1)), 0.25 / 0.0125),
        (ratio((20, 0)), 1.0),
        (latency(3.0), 3.0),
    ],
)
def test_values(tally: Tally, expected: float) -> None:
    assert value(tally) == pytest.approx(expected)


NOTHING: list[Tally] = [
    proportion(20, 40),
    Accuracy(correct=20, n=N),
    gain(20, 40),
    ratio((20, 40), (4, 8)),
    damage(3, 3),
    latency(1.0),
]
kinds = pytest.mark.parametrize("tally", NOTHING, ids=lambda tally: tally.kind)


@kinds
def test_a_tie_with_the_baseline_is_no_win_and_perfection_is_one(tally: Tally) -> None:
    low, high = bounds(tally, ALPHA)
    assert low <= NULL[tally.kind] <= high
    assert not beats_baseline(tally)
    assert beats_baseline(perfect_tally(tally))


def test_what_is_exactly_the_null_value_is_no_win() -> None:
    """A latency without any spread has an interval without width: its bound is the null value."""
    assert bounds(latency(1.0), ALPHA).low == NULL["latency"]
    assert not beats_baseline(latency(1.0))
    assert beats_baseline(latency(1.01))


@kinds
def test_what_is_shown_is_two_sided_and_holds_its_value(tally: Tally) -> None:
    shown = estimate_tally(tally)
    assert shown.low <= shown.value <= shown.high
    if not isinstance(tally, Proportion):
        assert (shown.low, shown.high) == tuple(bounds(tally, 0.025))


def test_a_success_rate_is_shown_as_it_is() -> None:
    shown = estimate_tally(proportion(N, 2 * N))
    assert shown == pytest.approx((1.0, all_of(N, 0.025), 1.0))


def test_same_items_are_counted_as_pairs() -> None:
    attack = np.array([True, True, True, False, False])
    baseline = np.array([True, False, False, True, False])
    expected: dict[str, Any] = {
        "successes": 3,
        "n": 5,
        "baseline_successes": 2,
        "baseline_n": 5,
        "both": 1,
    }
    assert paired_gain(attack, baseline) == Gain(**expected)
    assert paired_proportion(attack, baseline) == Proportion(**expected)


@pytest.mark.parametrize("both", [-1, 1, 5])
def test_impossible_pairs_are_refused(both: int) -> None:
    with pytest.raises(ValueError, match="in common"):
        Gain(successes=8, n=10, baseline_successes=4, baseline_n=10, both=both)


# 5 points of 3,000 records that imputation has right as well: seen as pairs, a gain beyond
# chance; as two samples it drowns in what they share.
def test_pairs_show_what_two_samples_cannot() -> None:
    counts: dict[str, Any] = {
        "successes": 2160,
        "n": 3000,
        "baseline_successes": 2010,
        "baseline_n": 3000,
    }
    unpaired, paired = Gain(**counts), Gain(**counts, both=1900)
    assert bounds(paired, 0.001).low > 0.05
    assert bounds(unpaired, 0.001).low < 0.05
    perfect = perfect_tally(paired)
    assert isinstance(perfect, Gain)
    assert (perfect.successes, perfect.both) == (3000, 2010)
    assert bounds(perfect, 0.05).high == 1


def leakless(rng: np.random.Generator) -> Ratio:
    """Draw the counts of an attack that knows nothing, at thresholds from other records."""
    sizes, scores = (250, 620, 620), rng.normal(size=1490)
    aside, members, others = np.split(scores, np.cumsum(sizes)[:-1])
    at = []
    for rate in (0.001, 0.01, 0.05, 0.1):
        counts = counts_at_threshold(members, others, calibrated_threshold(aside, rate))
        at.append(
            RatioAt(
                fpr=rate,
                true_positives=counts.tp,
                positives=counts.positives,
                false_positives=counts.fp,
                negatives=counts.negatives,
            )
        )
    return Ratio(at=tuple(at))


# With one of four trials at the usual alpha, 12 % of these runs left out nothing at 0.1 or 1 %. Now
# it is 1 %; more than 6 of 100 are then seen once in a thousand times.
def test_an_attack_that_knows_nothing_stays_below_a_tenfold_likelihood() -> None:
    rng = np.random.default_rng(5)
    runs = [[bounds(leakless(rng), 0.05, trials=4).high for _ in range(4)] for _ in range(100)]
    assert sum(max(run) > 10 for run in runs) <= 6


def test_records_that_are_certain_count_at_rates_that_are_not_resolved() -> None:
    found = RatioAt(fpr=0.001, true_positives=18, positives=600, false_positives=0, negatives=600)
    even = RatioAt(fpr=0.1, true_positives=62, positives=600, false_positives=60, negatives=600)
    assert bounds(Ratio(at=(found, even)), 0.05, trials=4).high > 100


def test_the_estimate_is_of_rates_that_the_sample_resolves() -> None:
    # Two members and one other above a threshold of 0.1 % would read as a ratio of 2, outside of
    # the interval.
    seldom = RatioAt(fpr=0.001, true_positives=2, positives=1250, false_positives=1, negatives=1250)
    often = RatioAt(
        fpr=0.1, true_positives=138, positives=1250, false_positives=129, negatives=1250
    )
    found = estimate_tally(Ratio(at=(seldom, often)))
    assert found.value == pytest.approx(138 / 129)
    assert found.low < found.value < found.high


def at_chance(n: int, *, times: float = 1.0) -> Ratio:
    """Count as expected of n records a side; members pass the threshold of 1 % so much oftener."""
    return Ratio(
        at=tuple(
            RatioAt(
                fpr=rate,
                true_positives=round(rate * n * (times if rate == 0.01 else 1)),
                positives=n,
                false_positives=round(rate * n),
                negatives=n,
            )
            for rate in FALSE_POSITIVE_RATES
        )
    )


# The bound of a ratio at 1 % was 1.7 from 3,000 records on, and was left out below.
@pytest.mark.parametrize("n", [2000, 2999, 3100, 5000, 8000, 12_000])
def test_more_records_do_not_bound_a_model_without_leak_less(n: int) -> None:
    assert bounds(at_chance(n), 0.0375).high < 1.5


def test_a_bound_that_is_large_counts_where_the_rate_is_resolved_but_not_well() -> None:
    assert bounds(at_chance(4000, times=2.5), 0.0375).high > 2.5
