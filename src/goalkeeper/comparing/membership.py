"""Two results of a membership attack: the scores of their records, on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.outcomes import Outcomes, read_ranks
from goalkeeper.stats import IntervalEstimate, clopper_pearson, excess
from goalkeeper.stats.recalibrated import (
    RoleScores,
    exceeding,
    exchange_scores,
    resample_advantages,
)

Floats = NDArray[np.float64]
SIDE = 0.025
CAUTION = 0.2  # chance that a rate from which a sample size is computed is larger than taken
ROLES = ("1", "0", "2")  # in the order of `RoleScores`
FEWEST = 20  # of each role, as the game itself asks for


class ScoreChange(NamedTuple):
    """What became of the advantage at the threshold where the change is clearest."""

    before: IntervalEstimate
    after: IntervalEstimate
    difference: IntervalEstimate
    error: float
    p: float
    clearest: int
    n: tuple[int, int]


def read_scores(outcomes: Outcomes) -> tuple[NDArray[np.str_], Floats]:
    """Read the role of each record and its score, between 0 and 1, both `(n,)`."""
    n = len(outcomes.hits)
    return np.array(list(outcomes.beside)), (read_ranks(outcomes) + 0.5) / n


def pair_scores(
    one: Outcomes, other: Outcomes, rows: tuple[Sequence[int], Sequence[int]]
) -> tuple[RoleScores, RoleScores] | None:
    """Take the same records of both; None where too few have the same role in both."""
    (part, score), (part_after, score_after) = read_scores(one), read_scores(other)
    first, second = np.array(rows[0], dtype=int), np.array(rows[1], dtype=int)
    alike = part[first] == part_after[second]
    first, second = first[alike], second[alike]
    if min((part[first] == role).sum() for role in ROLES) < FEWEST:
        return None
    masks = [part[first] == role for role in ROLES]
    before, after = score[first], score_after[second]
    return RoleScores(*(before[m] for m in masks)), RoleScores(*(after[m] for m in masks))


def split_scores(outcomes: Outcomes) -> RoleScores:
    """Take all records of a run."""
    part, score = read_scores(outcomes)
    return RoleScores(*(score[part == role] for role in ROLES))


def compare_scores(
    pair: tuple[RoleScores, RoleScores], rates: Sequence[float], *, paired: bool
) -> ScoreChange:
    """Compare the advantages of two runs over all rates together."""
    before, after = pair
    found = exchange_scores(before, after, rates, _rng(), paired=paired)
    rate = rates[found.clearest]
    span, error = resample_advantages(before, after, rate, _rng(), paired=paired)
    sizes = [len(each.members) + len(each.others) for each in pair]
    shown = [_bound(each, rate) for each in pair]
    return ScoreChange(
        before=shown[0],
        after=shown[1],
        difference=span,
        error=max(error, _least_error(pair, rate)) if paired else error,
        p=found.p,
        clearest=found.clearest,
        n=(sizes[0], sizes[1]),
    )


def _rng() -> np.random.Generator:
    """Draw the same in every comparison, so that it can be repeated."""
    return np.random.default_rng(0)


def _bound(scores: RoleScores, rate: float) -> IntervalEstimate:
    """Bound the true less the false positive rate at the threshold that was chosen."""
    members, others = exceeding(scores, rate)
    counts = int(members.sum()), len(members), int(others.sum()), len(others)
    span = excess(*counts, alpha=SIDE)
    return IntervalEstimate(float(members.mean() - others.mean()), *span)


def _least_error(pair: tuple[RoleScores, RoleScores], rate: float) -> float:
    """Give the standard error from the share of records that are called otherwise, with caution."""
    before, after = (np.concatenate(exceeding(each, rate)) for each in pair)
    n, changed = len(before), int((before != after).sum())
    share = clopper_pearson(changed, n, alpha=CAUTION, side="upper").high
    return math.sqrt(share * n) / min(len(pair[0].members), len(pair[0].others))
