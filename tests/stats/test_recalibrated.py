"""Membership scores of two runs: what the choice of thresholds moves is no change of the model."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.stats import recalibrated
from goalkeeper.stats.recalibrated import (
    RoleScores,
    advantages,
    exchange_scores,
    resample_advantages,
)

RATES = (0.001, 0.01, 0.05, 0.1)
SIZES = (150, 150, 50)  # members, others, calibration records


def draw_pair(
    rng: np.random.Generator, leaks: tuple[float, float], *, paired: bool
) -> tuple[RoleScores, RoleScores]:
    """Draw two runs in which members score higher by so much; half of a score is of the record."""
    own = [[rng.normal(size=n) for n in SIZES] for _ in range(2)]
    runs = []
    for side, leak in enumerate(leaks):
        base = own[0 if paired else side]
        raw = [(each + rng.normal(size=len(each))) / np.sqrt(2) for each in base]
        raw[0] = raw[0] + leak
        ranks = np.concatenate(raw).argsort().argsort() / sum(SIZES)
        runs.append(RoleScores(*np.split(ranks, np.cumsum(SIZES)[:2])))
    return runs[0], runs[1]


@pytest.fixture(autouse=True)
def _few_exchanges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalibrated, "SWAPS", 499)
    monkeypatch.setattr(recalibrated, "RESAMPLES", 500)


@pytest.mark.parametrize("paired", [True, False])
def test_a_leak_that_is_the_same_is_no_change(*, paired: bool) -> None:
    """Exchanging outcomes at the old thresholds claims one in two thirds of these pairs."""
    rng = np.random.default_rng(1)
    pairs = [draw_pair(rng, (2.0, 2.0), paired=paired) for _ in range(100)]
    found = [exchange_scores(*pair, RATES, rng, paired=paired).p <= 0.05 for pair in pairs]
    assert sum(found) <= 12


@pytest.mark.parametrize("paired", [True, False])
def test_a_leak_that_is_closed_is_found_in_the_right_direction(*, paired: bool) -> None:
    rng = np.random.default_rng(2)
    before, after = draw_pair(rng, (2.0, 0.0), paired=paired)
    found = exchange_scores(before, after, RATES, rng, paired=paired)
    span, error = resample_advantages(before, after, RATES[found.clearest], rng, paired=paired)
    assert found.p <= 0.01
    assert span.high < 0 < error
    turned = exchange_scores(after, before, RATES, rng, paired=paired)
    assert turned.p <= 0.01


def test_the_same_scores_are_no_change() -> None:
    rng = np.random.default_rng(3)
    before, _ = draw_pair(rng, (1.0, 1.0), paired=True)
    assert exchange_scores(before, before, RATES, rng, paired=True).p == 1.0


def test_advantages_are_those_of_the_calibrated_thresholds() -> None:
    ten = np.arange(10.0)
    scores = RoleScores(members=ten + 5, others=ten, calibration=ten)
    assert advantages(scores, (0.1, 0.5, 1.0)) == pytest.approx([0.6 - 0.1, 1.0 - 0.5, 0.0])
