"""What a larger sample would settle is computed from the counts that it is expected to have."""

from __future__ import annotations

import math

import numpy as np

from goalkeeper.core.evidence import Ratio, RatioAt
from goalkeeper.games.tallies import bounds
from goalkeeper.rate._words import _scale_tally

RATES = (0.001, 0.01, 0.05, 0.1)


def leak_free(n: int, rng: np.random.Generator) -> Ratio:
    counts = [(rng.binomial(n, f), rng.binomial(n, f)) for f in RATES]
    return Ratio(
        at=tuple(
            RatioAt(fpr=f, true_positives=tp, positives=n, false_positives=fp, negatives=n)
            for f, (tp, fp) in zip(RATES, counts, strict=True)
        )
    )


def test_no_false_alarm_among_few_is_not_none_among_many() -> None:
    """A sample of 64,000 settles every leak-free run; multiplied zeros would settle none."""
    rng = np.random.default_rng(0)
    settled = 0
    for _ in range(20):
        tally = leak_free(1000, rng)
        none = tally.at[0].model_copy(update={"true_positives": 1, "false_positives": 0})
        larger = _scale_tally(Ratio(at=(none, *tally.at[1:])), 64)
        assert isinstance(larger, Ratio)
        assert larger.at[0].negatives == 64_000
        assert larger.at[0].false_positives == 64
        settled += bounds(larger, 0.05).high < math.e
    assert settled >= 18


def test_counts_that_say_something_are_kept() -> None:
    at = RatioAt(fpr=0.1, true_positives=300, positives=1000, false_positives=110, negatives=1000)
    larger = _scale_tally(Ratio(at=(at,)), 4)
    assert isinstance(larger, Ratio)
    assert (larger.at[0].true_positives, larger.at[0].false_positives) == (1200, 440)
