from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from goalkeeper.stats import epsilon_ceiling, epsilon_lower_bound

steady = settings(deadline=None, derandomize=True)
RARE = 1e-6  # Chance that a correct procedure fails one simulation test, were its seed drawn anew.


# Source: closed form log(q / (1 - q)) with q = 0.025 ** (1 / n) for n of n and 0 of n.
@pytest.mark.parametrize(("n", "printed"), [(100, 3.28), (500, 4.91), (1000, 5.60), (5000, 7.21)])
def test_ceiling_has_a_closed_form(n: int, printed: float) -> None:
    edge = 0.025 ** (1 / n)
    assert epsilon_ceiling(n, n) == pytest.approx(math.log(edge / (1 - edge)))
    assert epsilon_ceiling(n, n) == pytest.approx(printed, abs=0.005)


@pytest.mark.parametrize("delta", [0.0, 1e-5, 0.1])
def test_both_kinds_of_error_count(delta: float) -> None:
    forward = epsilon_lower_bound(60, 200, 1, 200, delta=delta)
    backward = epsilon_lower_bound(199, 200, 140, 200, delta=delta)
    assert forward > 1.0
    assert backward == pytest.approx(forward)


# Randomised response with epsilon tells the truth with probability e^eps / (1 + e^eps); it is
# tight, so a wrong bound shows. False alarm RARE: wrong in more than 5 % of 3000 runs.
@pytest.mark.parametrize("epsilon", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("n", [30, 500])
def test_randomised_response_is_not_overstated(epsilon: float, n: int) -> None:
    runs, rng = 3000, np.random.default_rng(9)
    honest = 1 / (1 + math.exp(-epsilon))
    tp, fp = rng.binomial(n, honest, runs), rng.binomial(n, 1 - honest, runs)
    bounds = [epsilon_lower_bound(int(t), n, int(f), n) for t, f in zip(tp, fp, strict=True)]
    assert np.sum(np.array(bounds) > epsilon) <= binom.isf(RARE, runs, 0.05)


# Approximate randomised response: with probability delta the answer is given away.
# False alarm RARE as above.
def test_delta_is_given_away() -> None:
    runs, n, epsilon, delta = 2000, 1000, 1.0, 0.2
    rng = np.random.default_rng(10)
    honest = delta + (1 - delta) / (1 + math.exp(-epsilon))
    tp, fp = rng.binomial(n, honest, runs), rng.binomial(n, 1 - honest, runs)
    pairs = list(zip(tp.tolist(), fp.tolist(), strict=True))
    with_delta = np.array([epsilon_lower_bound(t, n, f, n, delta=delta) for t, f in pairs])
    without = np.array([epsilon_lower_bound(t, n, f, n) for t, f in pairs])
    assert np.sum(with_delta > epsilon) <= binom.isf(RARE, runs, 0.05)
    assert np.mean(without > epsilon) > 0.9


def test_bound_reaches_epsilon_with_enough_answers() -> None:
    n, honest = 10**7, 1 / (1 + math.exp(-1.0))
    bound = epsilon_lower_bound(round(n * honest), n, round(n * (1 - honest)), n)
    assert bound == pytest.approx(1.0, abs=0.003)
    assert bound < 1.0


@steady
@given(st.integers(0, 100), st.integers(0, 80), st.floats(0, 0.5))
def test_bound_is_between_zero_and_its_ceiling(tp: int, fp: int, delta: float) -> None:
    bound = epsilon_lower_bound(tp, 100, fp, 80, delta=delta)
    assert 0.0 <= bound <= epsilon_ceiling(100, 80, delta=delta)
    assert bound <= epsilon_lower_bound(tp, 100, fp, 80) + 1e-12
    if tp < 100:
        assert bound <= epsilon_lower_bound(tp + 1, 100, fp, 80, delta=delta) + 1e-12


@pytest.mark.parametrize("delta", [-0.1, 1.0, math.nan])
def test_delta_is_a_share(delta: float) -> None:
    with pytest.raises(ValueError, match="delta"):
        epsilon_lower_bound(1, 2, 1, 2, delta=delta)


def test_an_empty_side_is_inconclusive() -> None:
    with pytest.raises(ValueError, match="inconclusive"):
        epsilon_ceiling(10, 0)
