from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from goalkeeper.stats import (
    campaign,
    clopper_pearson,
    minimum_detectable,
    negatives_for_fpr,
    proportion_lower,
    proportion_upper,
    tries_for_width,
    tries_to_exclude,
    upper_after_zero,
)

if TYPE_CHECKING:
    from collections.abc import Callable

steady = settings(deadline=None, derandomize=True)
shares = st.floats(0.001, 0.999)


# Source: closed form ceil(log(alpha) / log(1 - rate)).
@pytest.mark.parametrize(
    ("rate", "tries"), [(0.5, 5), (0.2, 14), (0.05, 59), (0.01, 299), (0.001, 2995)]
)
def test_tries_to_exclude_a_rate(rate: float, tries: int) -> None:
    assert tries_to_exclude(rate) == tries


# 0.5 ** 3 is 0.125 exactly: three tries are enough, whatever the logarithms round to.
@pytest.mark.parametrize("tries", range(1, 40))
def test_a_whole_number_is_not_rounded_up(tries: int) -> None:
    assert tries_to_exclude(0.5, alpha=0.5**tries) == tries


@steady
@given(shares, st.floats(0.001, 0.5))
def test_tries_to_exclude_are_the_fewest(rate: float, alpha: float) -> None:
    tries = tries_to_exclude(rate, alpha=alpha)
    assert upper_after_zero(tries, alpha=alpha) <= rate * (1 + 1e-6)
    assert tries == 1 or upper_after_zero(tries - 1, alpha=alpha) > rate


@steady
@given(st.integers(1, 10_000), st.floats(0.001, 0.5))
def test_upper_after_zero_is_the_exact_bound(n: int, alpha: float) -> None:
    assert upper_after_zero(n, alpha=alpha) == pytest.approx(proportion_upper(0, n, alpha=alpha))


@pytest.mark.parametrize("width", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_width_is_reached_and_not_before(width: float, rate: float) -> None:
    n = tries_for_width(width, rate=rate)
    low, high = clopper_pearson(rate * n, n)
    assert high - low <= width
    low, high = clopper_pearson(rate * (n - 1), n - 1)
    assert high - low > width


# Source: closed form of 0 of n, width 1 - 0.025 ** (1 / n) <= 0.0362 from n = 100 on.
def test_width_without_success_has_a_closed_form() -> None:
    assert tries_for_width(1 - 0.025 ** (1 / 100) + 1e-9, rate=0.0) == 100


@pytest.mark.parametrize(
    ("fpr", "negatives"), [(0.001, 20_000), (0.01, 2000), (0.05, 400), (0.1, 200), (0.03, 667)]
)
def test_negatives_for_twenty_false_positives(fpr: float, negatives: int) -> None:
    assert negatives_for_fpr(fpr) == negatives
    assert negatives_for_fpr(fpr, 10) in (negatives // 2, negatives // 2 + 1)


# 21 / 0.7 is a little more than 30 in floating point.
def test_whole_numbers_of_negatives_are_not_rounded_up() -> None:
    assert negatives_for_fpr(0.7, 21) == 30


# Source: closed form, one success of n tells from 0: 1 - (1 - power) ** (1 / n).
def test_detectable_over_nothing_has_a_closed_form() -> None:
    assert minimum_detectable(100, 0.0, power=0.8) == pytest.approx(1 - 0.2 ** (1 / 100))


@steady
@given(st.integers(20, 400), st.floats(0.0, 0.8), st.floats(0.05, 0.95))
def test_detection_has_the_wanted_power(n: int, baseline: float, power: float) -> None:
    rate = minimum_detectable(n, baseline, power=power)
    critical = next(k for k in range(n + 1) if proportion_lower(k, n) >= baseline and k > 0)
    assert binom.sf(critical - 1, n, baseline) <= 0.05 + 1e-9
    assert binom.sf(critical - 1, n, rate) == pytest.approx(power, abs=1e-6)


def test_too_few_tries_to_detect_say_how_many() -> None:
    with pytest.raises(ValueError, match="at least 5 tries"):
        minimum_detectable(4, 0.5)
    assert minimum_detectable(5, 0.5) == pytest.approx(0.8 ** (1 / 5))


# Source: by hand.
@pytest.mark.parametrize(
    ("p", "tries", "chance"),
    [
        (0.5, 3, 0.875),
        (0.0, 9, 0.0),
        (1.0, 1, 1.0),
        (1.0, 0, 0.0),
        (0.3, 0, 0.0),
        (1e-20, 10, 1e-19),
    ],
)
def test_campaign_by_hand(p: float, tries: int, chance: float) -> None:
    assert campaign(p, tries) == pytest.approx(chance, rel=1e-12, abs=0.0)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: tries_to_exclude(0.0), "rate"),
        (lambda: tries_to_exclude(5), "rate"),
        (lambda: upper_after_zero(0), "inconclusive"),
        (lambda: tries_for_width(0.0), "width"),
        (lambda: negatives_for_fpr(0.0), "fpr"),
        (lambda: negatives_for_fpr(0.1, 0), "expected"),
        (lambda: minimum_detectable(0, 0.1), "inconclusive"),
        (lambda: minimum_detectable(10, 1.0), "baseline"),
        (lambda: minimum_detectable(10, 0.1, power=1.0), "power"),
        (lambda: campaign(1.5, 2), "percentage"),
        (lambda: campaign(0.5, -1), "tries"),
    ],
)
def test_impossible_settings_are_refused(call: Callable[[], float], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()
