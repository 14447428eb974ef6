"""What the models with a record, and those without it, say of it: all of them, or all but one.

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

RECORDS = 2048  # summed at a time, so that their signals stay in the cache
ROUNDING = 1e-6  # by which a computed probability may exceed 1
CANCELLED = 1e-4  # a rest below this share of a sum has lost too many digits


class Moments(NamedTuple):
    """Number of models, their mean, and the squares around it, of each record `(n,)`."""

    models: Floats
    mean: Floats
    square: Floats

    @property
    def variance(self) -> Floats:
        """Biased variance of each record `(n,)`, as numpy gives it."""
        return np.asarray(self.square / np.maximum(self.models, 1))

    @property
    def pooled(self) -> float:
        """Variance within records, the same for all; NaN where no record has two models."""
        freedom = float(np.maximum(self.models - 1, 0).sum())
        return float(self.square.sum()) / freedom if freedom else float("nan")


class Side:
    """The signals `(N, n)` where `mask` `(N, n)` is true: models with a record, or without it."""

    def __init__(self, signals: NDArray[np.floating], mask: Bools) -> None:
        self._signals, self._mask = signals, mask
        parts = [_summed(signals[:, part], mask[:, part]) for part in _parts(signals.shape[1])]
        self._whole = _joined(parts)

    def moments(self, without: int | None = None) -> Moments:
        """Give the moments of all models, or of all but one."""
        whole = self._whole
        if without is None:
            return whole
        gone = self._mask[without]
        count = whole.models - gone
        gap = np.where(gone, self._signals[without] - whole.mean, 0.0)
        step = gap / np.maximum(count, 1)
        square = whole.square - gap * (gap + step)
        mean = whole.mean - step
        lost = np.flatnonzero(gone & (square < CANCELLED * whole.square))
        for rows in (lost[part] for part in _parts(len(lost))):
            mask = self._mask[:, rows]
            mask[without] = False
            again = _summed(self._signals[:, rows], mask)
            mean[rows], square[rows] = again.mean, again.square
        return Moments(count, mean, square)

    def medians(self, without: int | None = None) -> Floats:
        """Give the median of each record `(n,)`, of all models or of all but one."""
        lower, middle, upper = self._middle
        odd = self._whole.models % 2 == 1
        whole = np.where(odd, middle, (middle + upper) / 2)
        if without is None:
            return whole
        own = np.asarray(self._signals[without], dtype=np.float64)
        low = np.where(own < middle, middle, lower)
        high = np.where(own > middle, middle, upper)
        rest = np.where(odd, (low + high) / 2, np.where(own > middle, middle, upper))
        return np.where(self._mask[without], rest, whole)

    def variance(self, without: int | None = None) -> float:
        """Give the biased variance over all records and models, or all models but one."""
        count, gap, square = self._models
        if without is not None:
            count, gap, square = (np.delete(sums, without) for sums in (count, gap, square))
        n = float(count.sum())
        return float(square.sum()) / n - (float(gap.sum()) / n) ** 2 if n else float("nan")

    @cached_property
    def _middle(self) -> tuple[Floats, Floats, Floats]:
        """The middle value of each record and its neighbours; below the middle if it is even.

        They are all that a median without any one of the values can depend on. Where there are
        fewer than three models, the neighbours that do not exist are arbitrary but finite.
        """
        found = []
        for part in _parts(self._signals.shape[1]):
            kept = np.where(self._mask[:, part], self._signals[:, part], np.inf)
            rising = np.sort(np.ascontiguousarray(kept.T), axis=1)
            count = self._whole.models[part].astype(np.int64)[:, None]
            places = np.clip((count - 1) // 2 + np.arange(-1, 2), 0, np.maximum(count - 1, 0))
            found.append(np.take_along_axis(rising, places, axis=1).astype(np.float64))
        lower, middle, upper = np.concatenate(found).T
        return lower, middle, upper

    @cached_property
    def _models(self) -> tuple[Floats, Floats, Floats]:
        """Number of records of each model, their sum and their squares, around one centre."""
        whole = self._whole
        centre = float((whole.models * whole.mean).sum() / max(float(whole.models.sum()), 1.0))
        sums = np.empty((3, len(self._signals)))
        for i, (row, mask) in enumerate(zip(self._signals, self._mask, strict=True)):
            gap = row[mask].astype(np.float64) - centre
            sums[:, i] = len(gap), gap.sum(), gap @ gap
        return sums[0], sums[1], sums[2]


def scored(
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


def checked(
    signals: ArrayLike, member: ArrayLike, target: ArrayLike | None, most: float = math.inf
) -> tuple[tuple[NDArray[np.floating], Bools], Floats | None]:
    """Check shapes and numbers; `most` is the largest of a probability, or infinity."""
    mask = np.asarray(member)
    found = np.asarray(signals)
    if found.dtype not in (np.float32, np.float64):
        found = found.astype(np.float64)
    if found.ndim != 2 or mask.shape != found.shape or mask.dtype != np.bool_:
        raise ValueError(
            f"need signals (N, n) and a mask of booleans of the same shape, got {found.shape} and "
            f"{mask.shape} of {mask.dtype}; give one row a model, one column a record"
        )
    other = None if target is None else np.asarray(target, dtype=np.float64)
    if other is not None and other.shape != found.shape[1:]:
        raise ValueError(
            f"need one signal of the target for each of {found.shape[1]} records, got shape "
            f"{other.shape}"
        )
    for values in (found,) if other is None else (found, other):
        fine = (
            np.isfinite(values) if most == math.inf else (values >= 0) & (values <= most + ROUNDING)
        )
        if not fine.all():
            wanted = "finite signals" if most == math.inf else "probabilities in [0, 1]"
            raise ValueError(
                f"need {wanted}; {int((~fine).sum())} of {values.size} are not: leave their "
                "records out, or compute them without overflow"
            )
    return (found, mask), other


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, RECORDS):
        yield slice(start, min(start + RECORDS, n))


def _joined(parts: list[Moments]) -> Moments:
    if not parts:
        return Moments(np.empty(0), np.empty(0), np.empty(0))
    count, mean, square = (np.concatenate(values) for values in zip(*parts, strict=True))
    return Moments(count, mean, square)


def _summed(signals: NDArray[np.floating], mask: Bools) -> Moments:
    """Sum signals `(N, k)` where `mask` is true, around their mean; equal ones have no spread."""
    x = np.asarray(signals, dtype=np.float64)
    count = mask.sum(axis=0).astype(np.float64)
    least = np.maximum(count, 1)
    low = np.where(mask, x, np.inf).min(axis=0)
    equal = low >= np.where(mask, x, -np.inf).max(axis=0)
    mean = np.where(mask, x, 0.0).sum(axis=0) / least
    gap = np.where(mask, x - mean, 0.0)
    shift = gap.sum(axis=0) / least  # by which rounding put the mean wrong
    square = np.maximum(np.einsum("ij,ij->j", gap, gap) - count * shift**2, 0.0)
    mean = np.where(equal & (count > 0), low, mean + shift)
    return Moments(count, mean, np.where(equal, 0.0, square))
