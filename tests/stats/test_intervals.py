from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from goalkeeper.stats import (
    Interval,
    clopper_pearson,
    excess,
    mean_t,
    normalised_gain,
    proportion_lower,
    proportion_upper,
    ratio,
)

steady = settings(deadline=None, derandomize=True)
RARE = 1e-6  # Chance that a correct procedure fails one simulation test, were its seed drawn anew.


def binomial_cdf(k: int, n: int, p: float) -> float:
    """Sum the binomial distribution term by term, in logarithms: no beta function involved."""
    log_p, log_q = math.log(p), math.log1p(-p)
    return min(
        1.0,
        math.fsum(
            math.exp(
                math.lgamma(n + 1)
                - math.lgamma(i + 1)
                - math.lgamma(n - i + 1)
                + i * log_p
                + (n - i) * log_q
            )
            for i in range(k + 1)
        ),
    )


def reference_lower(k: int, n: int, alpha: float) -> float:
    """Bisect the definition: the p at which k or more successes have probability alpha."""
    if k == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if 1.0 - binomial_cdf(k - 1, n, middle) < alpha:
            low = middle
        else:
            high = middle
    return low


def reference_upper(k: int, n: int, alpha: float) -> float:
    """Bisect the definition: the p at which k or fewer successes have probability alpha."""
    if k == n:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if binomial_cdf(k, n, middle) > alpha:
            low = middle
        else:
            high = middle
    return high


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 500))
    return draw(st.integers(0, n)), n


alphas = st.floats(0.001, 0.4)


# Source: by hand, 9 or more of 10 have probability 10 p^9 - 9 p^10, which is 0.05 at 0.6058;
# 1 of 10 is its mirror image.
def test_one_sided_values_by_hand() -> None:
    assert proportion_lower(9, 10) == pytest.approx(0.6058, abs=5e-5)
    assert proportion_upper(1, 10) == pytest.approx(0.3942, abs=5e-5)


# Source: closed form, no success in n tries has probability (1 - p) ** n.
@pytest.mark.parametrize("n", [1, 14, 59, 299, 2995])
def test_no_success_has_a_closed_form(n: int) -> None:
    assert proportion_upper(0, n) == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-12)
    assert proportion_lower(n, n) == pytest.approx(0.05 ** (1 / n), abs=1e-12)


# Source: by hand, 1 - 0.025 ** (1 / n) after no success; for 1 of 20 the low is
# 1 - 0.975 ** (1 / 20) and the high solves (1 - p)^20 + 20 p (1 - p)^19 = 0.025.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(0, 20, 0.0, 0.1684), (0, 100, 0.0, 0.0362), (1, 20, 0.0013, 0.2487)],
)
def test_two_sided_values_by_hand(k: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(k, n) == pytest.approx((low, high), abs=5e-5)


def test_bounds_agree_with_their_definition() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        n = int(rng.integers(1, 200))
        k = int(rng.integers(0, n + 1))
        alpha = float(rng.uniform(0.001, 0.3))
        assert proportion_lower(k, n, alpha=alpha) == pytest.approx(
            reference_lower(k, n, alpha), abs=1e-9
        )
        assert proportion_upper(k, n, alpha=alpha) == pytest.approx(
            reference_upper(k, n, alpha), abs=1e-9
        )


def test_sides_split_the_error() -> None:
    low, high = clopper_pearson(3, 30, alpha=0.1)
    assert clopper_pearson(3, 30, alpha=0.05, side="lower") == (low, 1.0)
    assert clopper_pearson(3, 30, alpha=0.05, side="upper") == (0.0, high)


@steady
@given(counts(), alphas)
def test_interval_holds_the_share_and_mirrors(case: tuple[int, int], alpha: float) -> None:
    k, n = case
    low, high = clopper_pearson(k, n, alpha=alpha)
    assert 0.0 <= low <= k / n <= high <= 1.0
    mirrored = clopper_pearson(n - k, n, alpha=alpha)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high), abs=1e-9)


@steady
@given(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1), alphas)
def test_bounds_rise_with_real_valued_counts(n: int, a: float, b: float, alpha: float) -> None:
    few, many = sorted((a * n, b * n))
    below = clopper_pearson(few, n, alpha=alpha)
    above = clopper_pearson(many, n, alpha=alpha)
    assert below.low <= above.low + 1e-9
    assert below.high <= above.high + 1e-9


@steady
@given(counts(), alphas, alphas)
def test_less_error_means_a_wider_interval(case: tuple[int, int], a: float, b: float) -> None:
    strict, loose = sorted((a, b))
    wide, narrow = clopper_pearson(*case, alpha=strict), clopper_pearson(*case, alpha=loose)
    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


# Exact, no simulation: the probabilities are summed over all outcomes.
@pytest.mark.parametrize("n", [5, 20, 59])
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 0.5, 0.9])
def test_each_bound_is_wrong_with_probability_alpha_at_most(n: int, rate: float) -> None:
    outcomes = np.arange(n + 1)
    chance = binom.pmf(outcomes, n, rate)
    bounds = [clopper_pearson(int(k), n, alpha=0.1) for k in outcomes]
    assert chance[[b.low > rate for b in bounds]].sum() <= 0.05
    assert chance[[b.high < rate for b in bounds]].sum() <= 0.05


# Exact: averages with the two values 0 and j / S, the most spread that j of S can have.
@pytest.mark.parametrize("n", [1, 3, 20, 100])
@pytest.mark.parametrize("step", [0.1, 0.2, 0.5, 0.8])
def test_averaged_counts_stay_within_the_error(n: int, step: float) -> None:
    hits = np.arange(n + 1)
    bounds = [clopper_pearson(k * step, n, alpha=0.05) for k in hits]
    low, high = np.array(bounds).T
    for q in np.linspace(0.005, 0.995, 100):
        chance = binom.pmf(hits, n, q)
        assert chance[low > q * step].sum() <= 0.025 + 1e-9
        assert chance[high < q * step].sum() <= 0.025 + 1e-9


@pytest.mark.parametrize("k", [-1, 11, math.nan])
def test_impossible_counts_are_refused(k: float) -> None:
    with pytest.raises(ValueError, match="0 <= k <= n"):
        clopper_pearson(k, 10)


def test_no_tries_are_inconclusive() -> None:
    with pytest.raises(ValueError, match="inconclusive"):
        clopper_pearson(0, 0)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0, math.nan])
def test_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        clopper_pearson(1, 2, alpha=alpha)


def test_unknown_side_is_refused() -> None:
    with pytest.raises(ValueError, match="'both'"):
        clopper_pearson(1, 2, side=cast("Any", "both"))


# Source: by hand from the closed forms 30 of 30 and 0 of 30 at 0.85 alpha, squares added.
def test_excess_of_a_certain_attack() -> None:
    reach = math.sqrt(2) * (1 - (0.85 * 0.05) ** (1 / 30))
    assert excess(30, 30, 0, 30) == pytest.approx((1 - reach, 1.0))
    assert excess(0, 30, 30, 30) == pytest.approx((-1.0, reach - 1))


# Exact, no simulation: the probabilities are summed over all outcomes, for rates near the edges
# too, where the bounds joined at all of alpha were wrong in up to 5.8 % of cases.
@pytest.mark.parametrize(("n1", "n0"), [(20, 20), (60, 20), (20, 60), (60, 60)])
def test_two_sample_bounds_are_exact_enough(n1: int, n0: int) -> None:
    rates = (0.02, 0.05, 0.3, 0.5, 0.9, 0.98)
    cases = [(k1, k0) for k1 in range(n1 + 1) for k0 in range(n0 + 1)]
    joined = np.array([(*excess(k1, n1, k0, n0), *ratio(k1, n1, k0, n0)) for k1, k0 in cases])
    for p1 in rates:
        for p0 in rates:
            chance = np.outer(
                binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n0 + 1), n0, p0)
            ).ravel()
            truth = np.array([p1 - p0, p1 - p0, p1 / p0, p1 / p0])
            over = (joined - truth) * np.array([1, -1, 1, -1]) > 1e-9
            assert (chance @ over <= 0.0505).all(), (p1, p0, chance @ over)


@steady
@given(counts(), counts(), alphas)
def test_excess_holds_the_difference(
    attack: tuple[int, int], base: tuple[int, int], alpha: float
) -> None:
    low, high = excess(*attack, *base, alpha=alpha)
    assert -1.0 <= low <= attack[0] / attack[1] - base[0] / base[1] <= high <= 1.0


# False alarm RARE per bound: a bound that is wrong in more than 5 % of 4000 runs.
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.3, 0.1), (0.02, 0.01), (0.95, 0.6)])
def test_two_sample_bounds_are_each_wrong_at_most_alpha(a: float, b: float) -> None:
    runs, rng = 4000, np.random.default_rng(2)
    cases = zip(rng.binomial(80, a, runs), rng.binomial(60, b, runs), strict=True)
    truth = (a - b, (a - b) / (1 - b), a / b)
    wrong = np.zeros((3, 2), int)
    known: dict[tuple[int, int], tuple[Interval, ...]] = {}
    for k1, k0 in cases:
        case = int(k1), int(k0)
        if case not in known:
            known[case] = tuple(
                f(case[0], 80, case[1], 60) for f in (excess, normalised_gain, ratio)
            )
        for row, (interval, value) in enumerate(zip(known[case], truth, strict=True)):
            wrong[row] += interval.low > value, interval.high < value
    assert (wrong <= binom.isf(RARE, runs, 0.05)).all()


# Source: by hand, a = b gives no gain; a = 1 gives all of it.
def test_gain_of_equals_is_zero_and_of_certainty_one() -> None:
    low, high = normalised_gain(500, 1000, 500, 1000)
    assert low < 0.0 < high
    low, high = normalised_gain(10**6, 10**6, 5 * 10**5, 10**6)
    assert low == pytest.approx(1.0, abs=1e-4)
    assert high == pytest.approx(1.0)


def test_gain_over_a_perfect_baseline_is_not_bounded_below() -> None:
    low, high = normalised_gain(5, 10, 10, 10)
    assert low == -math.inf
    assert high < 1.0
    assert normalised_gain(10, 10, 10, 10) == (-math.inf, 1.0)


@steady
@given(counts(), counts(), alphas)
def test_gain_is_ordered_and_holds_the_estimate(
    attack: tuple[int, int], base: tuple[int, int], alpha: float
) -> None:
    low, high = normalised_gain(*attack, *base, alpha=alpha)
    assert low <= high <= 1.0
    assume(base[0] < base[1])
    a, b = attack[0] / attack[1], base[0] / base[1]
    assert low - 1e-12 <= (a - b) / (1 - b) <= high + 1e-12


@steady
@given(counts(), st.integers(1, 499), alphas)
def test_gain_falls_with_the_baseline(attack: tuple[int, int], b: int, alpha: float) -> None:
    weak = normalised_gain(*attack, b - 1, 500, alpha=alpha)
    strong = normalised_gain(*attack, b, 500, alpha=alpha)
    assert strong.low <= weak.low + 1e-12
    assert strong.high <= weak.high + 1e-12


# Source: by hand from the closed forms 40 of 40 and 0 of 40 at 0.85 alpha.
def test_ratio_of_a_perfect_call() -> None:
    missed = 1 - (0.85 * 0.05) ** (1 / 40)
    low = math.sqrt(1 - missed**2) / missed
    assert ratio(40, 40, 0, 40) == pytest.approx((low, math.inf))


@steady
@given(counts(), counts(), alphas)
def test_ratio_is_never_inverted(
    hit: tuple[int, int], alarm: tuple[int, int], alpha: float
) -> None:
    low, high = ratio(*hit, *alarm, alpha=alpha)
    assert 0.0 <= low <= high
    assume(alarm[0] > 0)
    value = hit[0] / hit[1] / (alarm[0] / alarm[1])
    assert low <= value * (1 + 1e-12)
    assert value <= high * (1 + 1e-12)


# Source: by hand, mean 2, sd 1, and the printed t quantile 4.303 for 2 degrees of freedom.
def test_mean_of_three_values() -> None:
    half = 4.3027 / math.sqrt(3)
    assert mean_t([1, 2, 3]) == pytest.approx((2 - half, 2 + half), abs=1e-4)


# False alarm 2 * RARE: the t interval is exact for normal values, so both sides are tested.
def test_mean_is_covered() -> None:
    runs, rng = 3000, np.random.default_rng(3)
    wrong = sum(not low <= 7.0 <= high for low, high in map(mean_t, rng.normal(7, 3, (runs, 6))))
    assert binom.ppf(RARE, runs, 0.05) <= wrong <= binom.isf(RARE, runs, 0.05)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [[1.0, 2.0]]])
def test_mean_of_too_little_is_inconclusive(values: list[float]) -> None:
    with pytest.raises(ValueError, match="inconclusive"):
        mean_t(values)
