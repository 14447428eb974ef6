from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goalkeeper.stats import (
    clopper_pearson,
    cumulative_success,
    geometric_grid,
    nondecreasing_band,
)

steady = settings(deadline=None, derandomize=True)


# Source: by hand. A cost equal to the budget is within it; inf is never.
def test_success_is_counted_within_the_budget() -> None:
    counts = cumulative_success([5, math.inf, 1, 5, 2], [0, 1, 4, 5, 1000])
    assert counts.tolist() == [0, 1, 2, 4, 4]


def test_costs_that_are_no_number_are_refused() -> None:
    with pytest.raises(ValueError, match="give inf"):
        cumulative_success([1, math.nan], [1])


@steady
@given(st.lists(st.integers(0, 50), min_size=1, max_size=20))
def test_band_is_the_exact_interval_at_each_point(solved: list[int]) -> None:
    solved.sort()
    band = nondecreasing_band(solved, 50, alpha=0.1)
    points = [clopper_pearson(k, 50, alpha=0.1) for k in solved]
    assert band.value.tolist() == [k / 50 for k in solved]
    assert list(zip(band.low, band.high, strict=True)) == points
    assert (np.diff(band.low) >= 0).all()
    assert (np.diff(band.high) >= 0).all()


@pytest.mark.parametrize("solved", [[3, 2], [0, 11], [-1, 2]])
def test_band_refuses_what_no_cumulative_count_is(solved: list[int]) -> None:
    with pytest.raises(ValueError, match="never fall"):
        nondecreasing_band(solved, 10)


def test_band_without_campaigns_is_inconclusive() -> None:
    with pytest.raises(ValueError, match="inconclusive"):
        nondecreasing_band([0], 0)


# Source: by hand, powers of ten; halves of the limit.
def test_grids_by_hand() -> None:
    assert geometric_grid(100_000).tolist() == [1, 10, 100, 1000, 10_000, 100_000]
    assert geometric_grid(0.08, 4).tolist() == [0.01, 0.02, 0.04, 0.08]
    assert geometric_grid(3).tolist() == [1, 2, 3]
    assert geometric_grid(7, 1).tolist() == [7]


@steady
@given(st.integers(1, 10**9), st.integers(1, 12))
def test_whole_budgets_rise_to_the_limit(limit: int, points: int) -> None:
    grid = geometric_grid(limit, points)
    assert grid.dtype == np.int64
    assert len(grid) <= points
    assert grid[0] >= 1
    assert (np.diff(grid) > 0).all()
    assert grid[-1] == limit


@steady
@given(st.floats(1e-6, 1e6), st.integers(1, 12))
def test_real_budgets_rise_to_the_limit(limit: float, points: int) -> None:
    grid = geometric_grid(limit, points)
    assert grid.dtype == np.float64
    assert len(grid) == points
    assert (np.diff(grid) > 0).all()
    assert grid[-1] == limit


@pytest.mark.parametrize(("limit", "points"), [(0, 3), (-1.0, 3), (math.inf, 3), (10, 0)])
def test_grids_without_a_limit_are_refused(limit: float, points: int) -> None:
    with pytest.raises(ValueError, match="need"):
        geometric_grid(limit, points)
