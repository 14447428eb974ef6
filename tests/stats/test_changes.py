"""Tests of a change, against exact values and against simulations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from goalkeeper.stats import (
    IntervalEstimate,
    clopper_pearson,
    fisher,
    items_to_detect,
    mcnemar,
    pairs_to_detect,
    pvalue_of_difference,
    resample_difference,
    swap_test,
    tries_to_detect,
)


def identity(sums: np.ndarray) -> np.ndarray:
    return sums


def test_fisher_is_the_tea_experiment() -> None:
    """Fisher (1935): 3 of 4 cups right, 1 of 4 wrong."""
    assert fisher(3, 4, 1, 4) == pytest.approx(0.4857142857)


def test_the_swap_test_of_a_share_is_the_sign_test() -> None:
    """Exchanging items that changed in one direction or the other: McNemar, but for the draws."""
    before, after = np.zeros((60, 1)), np.zeros((60, 1))
    after[:12], before[12:15] = 1, 1
    found = swap_test(before, after, identity, np.random.default_rng(0))
    assert found.p == pytest.approx(mcnemar(12, 3), abs=0.004)


def test_the_swap_test_holds_for_the_clearest_of_several() -> None:
    """Without a change the p-value is below 5 % in at most 5 %, for 4 statistics together."""
    rng, small = np.random.default_rng(1), 0
    for _ in range(25):
        before, after = rng.normal(size=(2, 40, 4))
        small += swap_test(before, after, identity, rng).p <= 0.05
    assert small <= 6  # P(more than 6 of 25 at 5 %) < 2e-4


def test_the_swap_test_says_which_statistic() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=(2, 60, 3))
    after[:, 1] += 2
    found = swap_test(before, after, identity, rng)
    assert found.clearest == 1
    assert found.p < 0.001
    assert swap_test(before, before, identity, rng).p == 1


def test_a_resampled_interval_covers() -> None:
    """The mean difference of 100 normal pairs, of which the standard error is known."""
    rng, covered = np.random.default_rng(3), 0
    for _ in range(20):
        before, after = rng.normal(size=(2, 100, 1))
        span, error = resample_difference(before, after + 1, lambda sums: sums[..., 0] / 100, rng)
        covered += span.low <= 1 <= span.high
        assert error == pytest.approx(np.sqrt(2) / 10, rel=0.35)
    assert covered >= 14  # P(fewer of 20 at 93 %) < 1e-4


def test_a_pvalue_from_bounds_agrees_with_them() -> None:
    """At the p-value the interval of the difference ends at 0."""

    def at(k: int) -> Callable[[float], IntervalEstimate]:
        return lambda tail: IntervalEstimate(k / 100, *clopper_pearson(k, 100, alpha=2 * tail))

    p = pvalue_of_difference(at(20), at(40))
    assert 0.001 < p < 0.01
    assert pvalue_of_difference(at(20), at(20)) == 1


@pytest.mark.parametrize("alpha", [0.05, 0.002])
def test_pairs_to_detect_have_the_power(alpha: float) -> None:
    """10 % of the items change, 7.5 % in the one direction: found in 80 of 100 samples."""
    rng = np.random.default_rng(4)
    n = pairs_to_detect(0.05, 0.1, alpha=alpha)
    assert n is not None
    drawn = rng.multinomial(n, [0.075, 0.025, 0.9], size=400)
    found = sum(mcnemar(int(b), int(c)) <= alpha for b, c, _ in drawn)
    assert 0.8 * 400 - 30 <= found <= 0.8 * 400 + 40  # 80 %, and not far more


def test_tries_to_detect_have_the_power() -> None:
    rng = np.random.default_rng(5)
    n = tries_to_detect(0.3, 0.1, alpha=0.01)
    assert n is not None
    counts = rng.binomial(n, [[0.25], [0.35]], size=(2, 200))
    found = sum(fisher(int(b), n, int(a), n) <= 0.01 for a, b in counts.T)
    assert 0.8 * 200 - 22 <= found <= 0.8 * 200 + 25


def test_items_to_detect_grow_with_the_square() -> None:
    one, half = items_to_detect(0.1, 0.05, 100), items_to_detect(0.05, 0.05, 100)
    assert one == pytest.approx(7.849 * 0.25 * 100, rel=0.01)
    assert half == pytest.approx(4 * (one or 0), rel=0.02)
    assert items_to_detect(1e-6, 0.05, 100) is None
