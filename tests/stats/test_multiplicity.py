from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from goalkeeper.stats import bonferroni, holm

steady = settings(deadline=None, derandomize=True)
RARE = 1e-6  # Chance that a correct procedure fails one simulation test, were its seed drawn anew.


def test_bonferroni_splits_the_error() -> None:
    assert bonferroni(0.05, 4) == 0.0125
    with pytest.raises(ValueError, match="m >= 1"):
        bonferroni(0.05, 0)
    with pytest.raises(ValueError, match="alpha"):
        bonferroni(5, 2)


# Source: by hand: 4 * 0.01, 3 * 0.02 = 0.06, then 2 * 0.03 = 0.06, then 1 * 0.9.
def test_holm_by_hand() -> None:
    assert holm([0.9, 0.01, 0.03, 0.02]) == pytest.approx([0.9, 0.04, 0.06, 0.06])
    assert holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])


@steady
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_between_the_raw_value_and_bonferroni(pvalues: list[float]) -> None:
    raw, adjusted = np.array(pvalues), holm(pvalues)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(1, len(raw) * raw)).all()
    assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0).all()


# False alarm RARE: a true hypothesis rejected in more than 5 % of 3000 families, of which
# three hypotheses are true and two are false without doubt.
def test_holm_keeps_the_familywise_error() -> None:
    runs, rng = 3000, np.random.default_rng(11)
    families = np.column_stack([rng.random((runs, 3)), np.full((runs, 2), 1e-9)])
    wrong = sum(bool((holm(family)[:3] <= 0.05).any()) for family in families)
    assert wrong <= binom.isf(RARE, runs, 0.05)
    assert wrong >= binom.ppf(RARE, runs, 1 - (1 - 0.05 / 3) ** 3)


@pytest.mark.parametrize("pvalues", [[0.5, 1.1], [-0.1], [float("nan")]])
def test_holm_refuses_what_is_no_probability(pvalues: list[float]) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm(pvalues)
