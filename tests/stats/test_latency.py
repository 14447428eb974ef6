"""Quantile bounds against tabulated ranks, coverage, and the ratio of two quantiles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from goalkeeper.core.evidence import Latency
from goalkeeper.games.tallies import NULL, beats_baseline, bounds, estimate_tally, value
from goalkeeper.stats.latency import latency_factor, quantile_bounds


@pytest.mark.parametrize(
    ("n", "first", "last"),
    [(10, 2, 9), (20, 6, 15), (25, 8, 18), (30, 10, 21), (50, 18, 33)],
)
def test_ranks_of_the_median_are_those_of_the_sign_test(n: int, first: int, last: int) -> None:
    """Two-sided 95 % ranks: the critical values 1, 5, 7, 9 and 17 of the sign test, plus one."""
    assert quantile_bounds(np.arange(1, n + 1), 0.5) == (first, last)


def test_too_few_values_give_no_bound() -> None:
    assert quantile_bounds([1.0, 2.0, 3.0, 4.0, 5.0], 0.5) == (-math.inf, math.inf)
    assert quantile_bounds([*map(float, range(6))], 0.5) == (0.0, 5.0)  # 2 / 2**6 = 0.03125
    low, high = quantile_bounds(np.arange(100.0), 0.99)
    assert math.isinf(high)
    assert 90 < low < 99
    assert math.isfinite(quantile_bounds(np.arange(368.0), 0.99).high)  # 0.99**368 < 0.025
    assert math.isinf(quantile_bounds(np.arange(366.0), 0.99).high)  # 0.99**366 > 0.025


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_bounds_hold_as_often_as_they_say(q: float) -> None:
    """4,000 samples: 3 standard errors around 5 % are 1.0 points, passed with p < 0.002."""
    rng = np.random.default_rng(1)
    truth = -math.log(1 - q)
    outside = sum(
        not low <= truth <= high
        for low, high in (quantile_bounds(rng.exponential(size=60), q) for _ in range(4000))
    )
    assert outside / 4000 <= 0.05 + 0.0104


def test_the_factor_is_the_ratio_of_quantiles() -> None:
    rng = np.random.default_rng(2)
    slow, fast = 3 * rng.lognormal(0, 0.1, 400), rng.lognormal(0, 0.1, 400)
    found = latency_factor(slow, fast)
    assert found.low < 3 < found.high
    assert found.value == np.median(slow) / np.median(fast)
    # each log median is known to 2.24 standard errors of 1.2533 * 0.1 / 20: four of them, 5.8 %
    assert found.high / found.low == pytest.approx(1.058, abs=0.025)


def test_the_interval_of_equal_samples_contains_one() -> None:
    """One-sided at 2.5 %: of 400 pairs more than 20 would exceed 1 with probability < 0.002."""
    rng = np.random.default_rng(3)
    higher = sum(
        latency_factor(rng.random(40), rng.random(40), alpha=0.025).low > 1 for _ in range(400)
    )
    assert higher <= 20


def test_too_little_data_bounds_nothing() -> None:
    assert latency_factor([9.0], [1.0]) == (9.0, 0.0, math.inf)
    assert latency_factor([0.0] * 30, [0.0] * 30).value == 1.0
    with pytest.raises(ValueError, match="inconclusive"):
        latency_factor([], [1.0])
    with pytest.raises(ValueError, match="negative"):
        latency_factor([1.0], [-1.0])
    with pytest.raises(ValueError, match="NaN"):
        latency_factor([1.0, math.nan], [1.0])


@pytest.mark.requirement("S31")
def test_the_tally_shows_and_rates_the_same_numbers() -> None:
    slow = Latency(attack=(4.0,) * 20, benign=(2.0,) * 20, quantile=0.5, unit="operations")
    assert value(slow) == 2.0
    assert bounds(slow, 0.025) == (2.0, 2.0)
    assert tuple(estimate_tally(slow)) == (2.0, 2.0, 2.0)
    assert beats_baseline(slow)
    same = slow.model_copy(update={"attack": slow.benign})
    assert value(same) == NULL["latency"] == 1.0
    assert not beats_baseline(same)
