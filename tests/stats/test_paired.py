from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, multinomial

from goalkeeper.stats import (
    clopper_pearson,
    damage,
    mcnemar,
    paired_difference,
    paired_normalised_gain,
)

if TYPE_CHECKING:
    from goalkeeper.stats.paired import DamageEstimate

steady = settings(deadline=None, derandomize=True)
RARE = 1e-6  # Chance that a correct procedure fails one simulation test, were its seed drawn anew.


# Source: by hand, sums of binomial coefficients over powers of two.
@pytest.mark.parametrize(
    ("b", "c", "pvalue"),
    [(0, 0, 1.0), (0, 5, 2 / 2**5), (5, 0, 2 / 2**5), (1, 9, 22 / 2**10), (4, 4, 1.0)],
)
def test_mcnemar_by_hand(b: int, c: int, pvalue: float) -> None:
    assert mcnemar(b, c) == pytest.approx(pvalue)


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="-1"):
        mcnemar(-1, 3)


# Source: closed form; where no item changed, a share of 1 - 0.05 ** (1 / 50) may be gained at most,
# and the bound is a little above it for the items that it allows to be lost meanwhile.
def test_difference_where_nothing_changed() -> None:
    low, high = paired_difference(0, 0, 50)
    edge = 1 - 0.05 ** (1 / 50)
    assert edge <= high <= 1.15 * edge
    assert low == pytest.approx(-high)


@steady
@given(st.integers(0, 60), st.integers(0, 60), st.integers(120, 400))
def test_difference_holds_the_estimate_and_mirrors(gained: int, lost: int, n: int) -> None:
    low, high = paired_difference(gained, lost, n)
    assert -1.0 <= low <= (gained - lost) / n <= high <= 1.0
    assert paired_difference(lost, gained, n) == pytest.approx((-high, -low))


def test_difference_refuses_more_changes_than_items() -> None:
    with pytest.raises(ValueError, match="8 gained and 3 lost"):
        paired_difference(8, 3, 10)


# Source: by hand. Equal retrainings have no noise, so only the shares of items bound the damage.
def test_damage_without_noise_is_the_sampling_part() -> None:
    result = damage([12] * 5, [2] * 5, 100)
    up, down = (clopper_pearson(k, 100, alpha=0.1) for k in (12, 2))
    assert result.value == pytest.approx(0.10)
    assert result.noise == 0.0
    assert result.low == pytest.approx(0.1 - math.hypot(0.12 - up.low, down.high - 0.02))
    assert result.high == pytest.approx(0.1 + math.hypot(up.high - 0.12, 0.02 - down.low))


# Source: by hand, nets 0, 1, 2, 3, 4 of 10: sd sqrt(2.5) / 10; t(4, 0.95) = 2.1318 in print.
def test_damage_adds_the_square_of_the_retraining_noise() -> None:
    result = damage([0, 1, 2, 3, 4], [0] * 5, 10)
    assert result.noise == pytest.approx(2.1318 * math.sqrt(2.5) / 10 / math.sqrt(5), abs=1e-5)
    steady = damage([2] * 5, [0] * 5, 10)
    assert result.low == pytest.approx(0.2 - math.hypot(0.2 - steady.low, result.noise))
    assert result.high > 0.2 + math.hypot(steady.high - 0.2, result.noise)  # logarithms reach more


# 1,000 items, of each of which an independent fifth of the retrainings gets one wrong: they tell as
# much as many more items of which each is always wrong or always right.
def test_items_that_agree_with_one_another_narrow_the_bounds() -> None:
    alone = damage([100] * 5, [0] * 5, 1000)
    steady = damage([100] * 5, [0] * 5, 1000, items=[(5, 0, 100), (0, 0, 900)])
    mixed = damage([100] * 5, [0] * 5, 1000, items=[(1, 0, 500), (0, 0, 500)])
    assert steady == alone
    assert alone.low < mixed.low < mixed.high < alone.high
    with pytest.raises(ValueError, match="sums to"):
        damage([100] * 5, [0] * 5, 1000, items=[(1, 0, 400), (0, 0, 600)])


# Source: by hand. 40 items are gained once each, so whatever differs between retrainings is chance
# that the spread over items already shows; on the long side the whole noise stays.
def test_damage_counts_the_chance_of_single_answers_once() -> None:
    items = [(1, 0, 40), (0, 0, 160)]
    even = damage([8] * 5, [0] * 5, 200, items=items)
    uneven = damage([6, 10, 8, 4, 12], [0] * 5, 200, items=items)
    assert uneven.noise > 0
    below, above = uneven.value - uneven.low, uneven.high - uneven.value
    assert below < 0.95 * math.hypot(even.value - even.low, uneven.noise)
    assert above >= math.hypot(even.high - even.value, uneven.noise)


@steady
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=5, max_size=12))
def test_damage_is_ordered_and_mirrors(pairs: list[tuple[int, int]]) -> None:
    gained, lost = np.array(pairs).T
    result, mirror = damage(gained, lost, 40), damage(lost, gained, 40)
    assert -1.0 <= result.low <= result.value <= result.high <= 1.0
    assert (-mirror.high, -mirror.low) == pytest.approx((result.low, result.high))


def simulate_damage(
    rng: np.random.Generator, items: int, seeds: int, harm: float, wobble: float
) -> DamageEstimate:
    """Bound the damage to items of unequal fragility, hit more or less by each retraining."""
    fragility = rng.beta(0.3 * harm, 0.3 * (1 - harm), items)
    strength = 1 + wobble * rng.choice([-1.0, 1.0], (seeds, 1))
    gained = rng.random((seeds, items)) < fragility * strength
    lost = ~gained & (rng.random((seeds, items)) < 0.02)
    times = np.stack([gained.sum(axis=0), lost.sum(axis=0)], axis=1)
    kinds, counts = np.unique(times, axis=0, return_counts=True)
    table = [(g, v, k) for (g, v), k in zip(kinds.tolist(), counts.tolist(), strict=True)]
    return damage(gained.sum(axis=1), lost.sum(axis=1), items, items=table)


def expected_damage(harm: float, wobble: float) -> float:
    """Integrate what `simulate_damage` draws, over quantiles of the fragility."""
    fragility = beta.ppf((np.arange(100_000) + 0.5) / 100_000, 0.3 * harm, 0.3 * (1 - harm))
    gained = np.mean([np.minimum(1, fragility * (1 + s)) for s in (-wobble, wobble)])
    return float(gained - 0.02 * (1 - gained))


# False alarm RARE per bound: wrong in more than 5 % of 600 runs.
@pytest.mark.parametrize(("harm", "wobble"), [(0.05, 0.0), (0.1, 0.5), (0.3, 0.3), (0.5, 0.9)])
@pytest.mark.parametrize("items", [40, 1000])
def test_damage_is_covered_over_items_and_retrainings(
    items: int, harm: float, wobble: float
) -> None:
    rng, runs = np.random.default_rng(5), 600
    truth = expected_damage(harm, wobble)
    bounds = np.array([simulate_damage(rng, items, 5, harm, wobble) for _ in range(runs)])
    allowed = binom.isf(RARE, runs, 0.05)
    assert bounds[:, 0].mean() == pytest.approx(truth, abs=0.03)
    assert (bounds[:, 1] > truth).sum() <= allowed
    assert (bounds[:, 2] < truth).sum() <= allowed


def test_damage_needs_five_retrainings() -> None:
    with pytest.raises(ValueError, match="at least 5 retrainings, got 4"):
        damage([1] * 4, [0] * 4, 10)


@pytest.mark.parametrize(
    ("gained", "lost", "n", "match"),
    [
        ([1] * 5, [0] * 6, 10, "pair every retraining"),
        ([8] * 5, [3] * 5, 10, "sum to at most 10"),
        ([-1] * 5, [0] * 5, 10, "at least 0"),
        ([0] * 5, [0] * 5, 0, "inconclusive"),
    ],
)
def test_damage_refuses_counts_that_do_not_fit(
    gained: list[int], lost: list[int], n: int, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        damage(gained, lost, n)


# Exact, no simulation: the probabilities are summed over all tables of 9 items.
@pytest.mark.parametrize(
    "shares", [(0.3, 0.1, 0.2), (0.05, 0.05, 0.5), (0.7, 0.02, 0.1), (0.1, 0.4, 0.0)]
)
def test_paired_bounds_are_each_wrong_at_most_alpha(shares: tuple[float, float, float]) -> None:
    gained_share, lost_share, _ = shares
    neither = 1 - sum(shares)
    truths = (gained_share - lost_share, 1 - (lost_share + neither) / (gained_share + neither))
    wrong = np.zeros((2, 2))
    n = 9
    tables = [
        (g, v, b) for g in range(n + 1) for v in range(n + 1 - g) for b in range(n + 1 - g - v)
    ]
    for gained, lost, both in tables:
        chance = multinomial.pmf(
            (gained, lost, both, n - gained - lost - both), n, (*shares, neither)
        )
        found = (
            paired_difference(gained, lost, n, alpha=0.1),
            paired_normalised_gain(gained + both, lost + both, both, n, alpha=0.1),
        )
        for row, (interval, truth) in enumerate(zip(found, truths, strict=True)):
            wrong[row] += chance * np.array([interval.low > truth, interval.high < truth])
    assert (wrong <= 0.1).all()


@steady
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))
def test_paired_gain_holds_the_estimate(gained: int, lost: int, both: int, neither: int) -> None:
    n = gained + lost + both + neither
    interval = paired_normalised_gain(gained + both, lost + both, both, n)
    assert interval.low <= (gained - lost) / (gained + neither) <= interval.high <= 1.0


def test_gain_over_a_baseline_that_had_everything_is_not_bounded_below() -> None:
    assert paired_normalised_gain(9, 9, 9, 9) == (-math.inf, 1.0)
    assert paired_normalised_gain(5, 10, 5, 10).low == -math.inf


def test_gain_refuses_counts_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="3 in common"):
        paired_normalised_gain(8, 8, 3, 10)
