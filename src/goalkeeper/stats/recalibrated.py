"""Tests of a change of membership scores, whose thresholds are estimated in each run.

A threshold is chosen on some non-members and moves the rates of all other records at once. Outcomes
at thresholds are therefore not exchangeable item by item, but scores are: here records are
exchanged with their scores, and thresholds are chosen again in each draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goalkeeper.stats.changes import BLOCK, RESAMPLES, SWAPS, TIE, SwapTest
from goalkeeper.stats.intervals import IntervalEstimate
from goalkeeper.stats.roc import COUNT_SLACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

CLEARLY_CHANCE = 100  # of the first thousand draws: the p-value is then above any error allowed
FIRST = 1_000


class RoleScores(NamedTuple):
    """Scores by role, each `(..., n)`: members, evaluated non-members, calibration records."""

    members: Floats
    others: Floats
    calibration: Floats


def exceeding(scores: RoleScores, rate: float) -> tuple[Bools, Bools]:
    """Return which members and which others `(..., n)` are above the calibrated threshold."""
    n = scores.calibration.shape[-1]
    allowed = math.floor(rate * n + COUNT_SLACK)
    if allowed >= n:
        return scores.members > -np.inf, scores.others > -np.inf
    place = n - 1 - allowed
    cut = np.partition(scores.calibration, place, axis=-1)[..., place, None]
    return scores.members > cut, scores.others > cut


def advantages(scores: RoleScores, rates: Sequence[float]) -> Floats:
    """Return the true less the false positive rate `(..., rates)` at calibrated thresholds."""
    above = [exceeding(scores, rate) for rate in rates]
    return np.stack([m.mean(axis=-1) - o.mean(axis=-1) for m, o in above], axis=-1)


def exchange_scores(
    before: RoleScores,
    after: RoleScores,
    rates: Sequence[float],
    rng: np.random.Generator,
    *,
    paired: bool,
) -> SwapTest:
    """Test whether records could be exchanged between two runs, within their role.

    The p-value is the share of random exchanges after which the largest change of an advantage,
    each divided by its spread over all exchanges, is at least as large as observed. Where chance
    clearly explains it, 1,000 exchanges are drawn; that cannot make a p-value below 0.1.

    Parameters
    ----------
    before, after
        Scores of each role in two runs, on one scale.
    paired
        Whether the same records stand in the same places: then each is exchanged with itself.
        Otherwise the records of each role are shuffled over both runs.
    """
    seen = np.abs(advantages(after, rates) - advantages(before, rates))
    exchange = _swap if paired else _shuffle
    drawn = np.empty((0, len(rates)))
    for size in _blocks(SWAPS):
        parts = [exchange(a, b, size, rng) for a, b in zip(before, after, strict=True)]
        one, other = (RoleScores(*(part[side] for part in parts)) for side in (0, 1))
        drawn = np.concatenate([drawn, np.abs(advantages(other, rates) - advantages(one, rates))])
        found = _compare(seen, drawn)
        if len(drawn) == FIRST and found.p * FIRST > CLEARLY_CHANCE:
            break
    return found


def resample_advantages(
    before: RoleScores,
    after: RoleScores,
    rate: float,
    rng: np.random.Generator,
    *,
    paired: bool,
    alpha: float = 0.05,
) -> tuple[IntervalEstimate, float]:
    """Bound the change of an advantage by drawing records of each role again.

    Returns
    -------
    interval, error
        A percentile interval (Efron and Tibshirani 1993, chapter 13), and the standard error.
    """

    def draw(part: Floats, size: int) -> NDArray[np.int64]:
        return rng.integers(part.shape[-1], size=(size, part.shape[-1]))

    changes = []
    for size in _blocks(RESAMPLES):
        rows = [draw(part, size) for part in before]
        again = rows if paired else [draw(part, size) for part in after]
        one = RoleScores(*(part[row] for part, row in zip(before, rows, strict=True)))
        other = RoleScores(*(part[row] for part, row in zip(after, again, strict=True)))
        changes.append((advantages(other, [rate]) - advantages(one, [rate]))[:, 0])
    found = np.concatenate(changes)
    value = float((advantages(after, [rate]) - advantages(before, [rate]))[0])
    low, high = np.quantile(found, [alpha / 2, 1 - alpha / 2])
    span = IntervalEstimate(value, min(value, float(low)), max(value, float(high)))
    return span, float(found.std(ddof=1))


Exchange = Callable[["Floats", "Floats", int, np.random.Generator], tuple["Floats", "Floats"]]


def _swap(a: Floats, b: Floats, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    swapped = rng.random((size, len(a)), dtype=np.float32) < 0.5
    return np.where(swapped, b, a), np.where(swapped, a, b)


def _shuffle(a: Floats, b: Floats, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    pooled = rng.permuted(np.tile(np.concatenate([a, b]), (size, 1)), axis=1)
    return pooled[:, : len(a)], pooled[:, len(a) :]


def _blocks(total: int) -> Iterator[int]:
    yield from (min(BLOCK, total - start) for start in range(0, total, BLOCK))


def _compare(seen: Floats, drawn: Floats) -> SwapTest:
    spread = np.sqrt((drawn**2).mean(axis=0))
    scale = np.where(spread > 0, spread, np.inf)
    distance = seen / scale
    extreme = int(((drawn / scale).max(axis=1) >= distance.max() - TIE).sum())
    return SwapTest((1 + extreme) / (1 + len(drawn)), int(distance.argmax()))
