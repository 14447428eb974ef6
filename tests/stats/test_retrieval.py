from __future__ import annotations

from math import comb

import numpy as np
import pytest

from goalkeeper.stats import precision_at_k, precision_baseline, precision_pvalue


# Source: by hand.
def test_precision_by_hand() -> None:
    ranked, truth = ["win", "cash", "dear", "free"], {"free", "win", "prize"}
    assert precision_at_k(ranked, truth, 1) == 1.0
    assert precision_at_k(ranked, truth, 3) == pytest.approx(1 / 3)
    assert precision_at_k(ranked, truth, 4) == 0.5
    assert precision_at_k(ranked, truth, 8) == 0.25  # guesses not made are wrong


def test_arrays_are_lists_of_guesses() -> None:
    assert precision_at_k(np.array([4, 2, 9]), np.array([9, 4]), 2) == 0.5


def test_a_sure_guess_cannot_be_repeated() -> None:
    with pytest.raises(ValueError, match="1 of the first 3 guesses"):
        precision_at_k(["win", "win", "cash"], ["win"], 3)
    assert precision_at_k(["win", "cash", "win"], ["win"], 2) == 0.5
    with pytest.raises(ValueError, match="k >= 1"):
        precision_at_k(["win"], ["win"], 0)


def test_baseline_is_the_share_of_truths() -> None:
    assert precision_baseline(20, 1000) == 0.02
    with pytest.raises(ValueError, match="5 of 4"):
        precision_baseline(5, 4)
    with pytest.raises(ValueError, match="n_candidates >= 1"):
        precision_baseline(0, 0)


# Source: by hand, counting the subsets.
def test_pvalue_counts_subsets() -> None:
    subsets = comb(10, 4)
    atleast_two = sum(comb(3, i) * comb(7, 4 - i) for i in (2, 3))
    assert precision_pvalue(2, 4, n_truth=3, n_candidates=10) == pytest.approx(
        atleast_two / subsets
    )
    assert precision_pvalue(0, 4, n_truth=3, n_candidates=10) == 1.0
    with pytest.raises(ValueError, match="at most once"):
        precision_pvalue(5, 4, n_truth=3, n_candidates=10)


# False alarm 1e-6: the mean of 4000 random guesses is within 4.9 errors of the baseline.
def test_random_guesses_have_the_baseline() -> None:
    runs, rng = 4000, np.random.default_rng(12)
    found = [precision_at_k(rng.permutation(50)[:10], range(8), 10) for _ in range(runs)]
    error = np.sqrt(10 * 0.16 * 0.84 * 40 / 49) / 10 / np.sqrt(runs)
    assert abs(np.mean(found) - precision_baseline(8, 50)) < 4.9 * error
