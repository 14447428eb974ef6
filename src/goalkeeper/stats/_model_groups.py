"""Signals of the models with a record, and of those without it: of all of them, or all but one.

Everything is summed once for all N models. To leave one out, its own part is taken off again;
where it holds nearly the whole sum, so that little would be left but rounding, the others are
summed again.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

BLOCK_RECORDS = 2048  # summed at a time, so that their signals stay in the cache
PROBABILITY_ROUNDING = 1e-6  # by which one may exceed 1: a few roundings of float32 (6e-8)
# Below this share of the whole, what is left of a sum of squares is summed anew: taking off the
# rest has cost 4 of its 16 digits, and each further factor of ten costs one more.
MIN_REMAINING_SHARE = 1e-4


class RecordMoments(NamedTuple):
    """Number of models, their mean, and the squares around it, of each record `(n,)`."""

    models: Floats
    mean: Floats
    squares: Floats

    @property
    def variance(self) -> Floats:
        """Biased variance of each record `(n,)`, as numpy gives it."""
        return np.asarray(self.squares / np.maximum(self.models, 1))

    @property
    def pooled_variance(self) -> float:
        """Variance within records, the same for all; NaN where no record has two models."""
        freedom = float(np.maximum(self.models - 1, 0).sum())
        return float(self.squares.sum()) / freedom if freedom else float("nan")


class ModelGroup:
    """The signals `(N, n)` where `mask` `(N, n)` is true: models with a record, or without it."""

    def __init__(self, signals: NDArray[np.floating], mask: Bools) -> None:
        self._signals, self._mask = signals, mask
        blocks = _record_blocks(signals.shape[1])
        self._all_models = _join([_sum_records(signals[:, b], mask[:, b]) for b in blocks])

    def moments(self, without: int | None = None) -> RecordMoments:
        """Give the moments of all models, or of all but one."""
        all_models = self._all_models
        if without is None:
            return all_models
        # Welford's update, backwards: Welford (1962), Technometrics 4, 419-420.
        left_out = self._mask[without]
        models = all_models.models - left_out
        deviation = np.where(left_out, self._signals[without] - all_models.mean, 0.0)
        step = deviation / np.maximum(models, 1)
        squares = all_models.squares - deviation * (deviation + step)
        mean = all_models.mean - step
        cancelled = np.flatnonzero(left_out & (squares < MIN_REMAINING_SHARE * all_models.squares))
        for rows in (cancelled[part] for part in _record_blocks(len(cancelled))):
            mask = self._mask[:, rows]
            mask[without] = False
            recomputed = _sum_records(self._signals[:, rows], mask)
            mean[rows], squares[rows] = recomputed.mean, recomputed.squares
        return RecordMoments(models, mean, squares)

    def medians(self, without: int | None = None) -> Floats:
        """Give the median of each record `(n,)`, of all models or of all but one."""
        lower, middle, upper = self._middle_values
        is_odd = self._all_models.models % 2 == 1
        of_all = np.where(is_odd, middle, (middle + upper) / 2)
        if without is None:
            return of_all
        signal = np.asarray(self._signals[without], dtype=np.float64)
        # Without a value below the middle one, an odd number's median is the mean of the middle one
        # and the next above it, and so on; an even number's is one of the two middle ones.
        low = np.where(signal < middle, middle, lower)
        high = np.where(signal > middle, middle, upper)
        of_even = np.where(signal > middle, middle, upper)
        without_signal = np.where(is_odd, (low + high) / 2, of_even)
        return np.where(self._mask[without], without_signal, of_all)

    def variance(self, without: int | None = None) -> float:
        """Give the biased variance over all records and models, or all models but one."""
        models, deviation, squares = self._model_sums
        if without is not None:
            sums = models, deviation, squares
            models, deviation, squares = (np.delete(s, without) for s in sums)
        n = float(models.sum())
        return float(squares.sum()) / n - (float(deviation.sum()) / n) ** 2 if n else float("nan")

    @cached_property
    def _middle_values(self) -> tuple[Floats, Floats, Floats]:
        """The middle value of each record and its neighbours; below the middle if it is even.

        They are all that a median without any one of the values can depend on. Where there are
        fewer than three models, the neighbours that do not exist are arbitrary but finite.
        """
        blocks = []
        for part in _record_blocks(self._signals.shape[1]):
            signals_inside = np.where(self._mask[:, part], self._signals[:, part], np.inf)
            ascending = np.sort(np.ascontiguousarray(signals_inside.T), axis=1)
            models = self._all_models.models[part].astype(np.int64)[:, None]
            places = np.clip((models - 1) // 2 + np.arange(-1, 2), 0, np.maximum(models - 1, 0))
            blocks.append(np.take_along_axis(ascending, places, axis=1).astype(np.float64))
        lower, middle, upper = np.concatenate(blocks).T
        return lower, middle, upper

    @cached_property
    def _model_sums(self) -> tuple[Floats, Floats, Floats]:
        """Number of records of each model, their sum and their squares, around one centre.

        Around the mean of all signals hardly anything cancels when sums are subtracted.
        """
        counts, mean = self._all_models.models, self._all_models.mean
        centre = float((counts * mean).sum() / max(float(counts.sum()), 1.0))
        sums = np.empty((3, len(self._signals)))
        for i, (row, mask) in enumerate(zip(self._signals, self._mask, strict=True)):
            deviation = row[mask].astype(np.float64) - centre
            sums[:, i] = len(deviation), deviation.sum(), deviation @ deviation
        return sums[0], sums[1], sums[2]


def score_targets(
    signals: NDArray[np.floating],
    target: Floats | None,
    score: Callable[[Floats, int | None], Floats],
) -> Floats:
    """Score the target with all models, or each model with all others."""
    if target is not None:
        return score(target, None)
    out = np.empty(signals.shape)
    for i, row in enumerate(signals):
        out[i] = score(np.asarray(row, dtype=np.float64), i)
    return out


def check_signals(
    signals: ArrayLike, member: ArrayLike, target: ArrayLike | None, upper: float = math.inf
) -> tuple[tuple[NDArray[np.floating], Bools], Floats | None]:
    """Check shapes and numbers; `upper` is the largest of a probability, or infinity."""
    mask = np.asarray(member)
    checked = np.asarray(signals)
    if checked.dtype not in (np.float32, np.float64):
        checked = checked.astype(np.float64)
    if checked.ndim != 2 or mask.shape != checked.shape or mask.dtype != np.bool_:
        raise ValueError(
            "need signals (N, n) and a mask of booleans of the same shape, got "
            f"{checked.shape} and {mask.shape} of {mask.dtype}; give one row a model, one column "
            "a record"
        )
    target_signals = None if target is None else np.asarray(target, dtype=np.float64)
    if target_signals is not None and target_signals.shape != checked.shape[1:]:
        raise ValueError(
            f"need one signal of the target for each of {checked.shape[1]} records, got shape "
            f"{target_signals.shape}"
        )
    for values in (checked,) if target_signals is None else (checked, target_signals):
        valid = (
            np.isfinite(values)
            if upper == math.inf
            else (values >= 0) & (values <= upper + PROBABILITY_ROUNDING)
        )
        if not valid.all():
            wanted = "finite signals" if upper == math.inf else "probabilities in [0, 1]"
            raise ValueError(
                f"need {wanted}; {int((~valid).sum())} of {values.size} are not: leave their "
                "records out, or compute them without overflow"
            )
    return (checked, mask), target_signals


def _record_blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK_RECORDS):
        yield slice(start, min(start + BLOCK_RECORDS, n))


def _join(parts: list[RecordMoments]) -> RecordMoments:
    if not parts:
        return RecordMoments(np.empty(0), np.empty(0), np.empty(0))
    models, mean, squares = (np.concatenate(values) for values in zip(*parts, strict=True))
    return RecordMoments(models, mean, squares)


def _sum_records(signals: NDArray[np.floating], mask: Bools) -> RecordMoments:
    """Sum signals `(N, k)` where `mask` is true, around their mean; equal ones have no spread."""
    x = np.asarray(signals, dtype=np.float64)
    models = mask.sum(axis=0).astype(np.float64)
    divisor = np.maximum(models, 1)
    lowest = np.where(mask, x, np.inf).min(axis=0)
    equal = lowest >= np.where(mask, x, -np.inf).max(axis=0)
    mean = np.where(mask, x, 0.0).sum(axis=0) / divisor
    deviation = np.where(mask, x - mean, 0.0)
    # Two passes, corrected by how far rounding put the mean wrong: Chan, Golub and LeVeque (1983),
    # The American Statistician 37, 242-247.
    shift = deviation.sum(axis=0) / divisor
    squares = np.maximum(np.einsum("ij,ij->j", deviation, deviation) - models * shift**2, 0.0)
    # Equal signals have no spread at all, whatever their mean was rounded to.
    mean = np.where(equal & (models > 0), lowest, mean + shift)
    return RecordMoments(models, mean, np.where(equal, 0.0, squares))
