"""Rankings of what a model looks at: the first names on a list count, beside drawing from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.data import Bools
from goalkeeper.core.evidence import Measurement
from goalkeeper.games.shared.measuring import GainCounts
from goalkeeper.stats import clopper_pearson

FEWEST = 10  # true indicators that there must be: of fewer, no finding differs from guessing
ASKED = 10_000  # queries that an estimate counts, at most
Ranking = Sequence[str]


@dataclass(frozen=True, slots=True)
class RankingAim:
    """The question: rank names by how much the model looks at them; the first `counted` count.

    Of words, only those in at least a `share` of the training texts count.
    """

    counted: int
    share: float = 0.0


def find_named(named: Sequence[str], truth: Sequence[str]) -> Bools:
    """Return which of the true names `(k,)` are among those named."""
    return np.isin(np.array(truth, dtype=str), np.array(named, dtype=str))


def precision(found: GainCounts, note: str) -> Measurement:
    """Measure the share of true ones among the first names, with its exact 95 % interval."""
    low, high = clopper_pearson(found.successes, found.n)
    return Measurement(
        metric=f"precision at {found.n}",
        value=found.successes / found.n,
        low=low,
        high=high,
        baseline=found.baseline_successes / found.baseline_n,
        n=found.n,
        note=note,
    )
