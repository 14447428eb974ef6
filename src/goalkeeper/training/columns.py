"""Tables whose columns are treated differently: categories one-hot, numbers scaled or kept.

All of it is fitted inside every subset, as scikit-learn would. What differs between subsets is
the shift and the scale of a column; a category that a subset never saw has scale 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.targets.inputs import prepared
from goalkeeper.training.features import Lens, Stored, finite
from goalkeeper.training.moments import moments, spreads
from goalkeeper.training.paths import Job

Pair = tuple[Floats, Floats]  # shift and scale `(d, N)`: features are (numbers - shift) * scale


class ColumnSpace:
    """One matrix for all subsets, then shift and scale of every column in every subset.

    Parameters
    ----------
    job
        Data and pipeline; its columns or its scaler say what is done to a table.
    masks
        Rows of every subset `(N, rows)`.
    biased
        The models have a bias that is not penalised: means may be taken from columns that are
        not centred, too.
    """

    def __init__(self, job: Job, masks: Bools, *, biased: bool) -> None:
        self._given, self._domain = job.data.x, job.domain
        rows = prepared(job.data.x, job.domain)
        self._parts = _parts(job.path.columns or job.path.scaler, rows)
        raw = self._encoded(rows)
        shift, scale = np.zeros((raw.shape[1], len(masks))), np.ones((raw.shape[1], len(masks)))
        scaled = np.zeros(raw.shape[1], dtype=bool)
        start = 0
        for part, numbers in zip(self._parts, self._numbers(rows), strict=True):
            place = slice(start, start + numbers.shape[1])
            shift[place], scale[place] = part.fitted(numbers, masks)
            scaled[place] = part.scaled
            start = place.stop
        shifted = np.asarray(shift.any(axis=1))
        self._centre = np.where(shifted | biased, raw.mean(axis=0), 0.0)
        deviation = raw.std(axis=0)
        self._spread = np.where(scaled & (deviation > 0), deviation, 1.0)
        shift = np.where(shifted[:, None], shift - self._centre[:, None], 0.0)
        self._shift = shift / self._spread[:, None] if shifted.any() else None
        scale *= self._spread[:, None]
        self._scale = scale if (scale != 1).any() else None
        left = np.where(shifted, 0.0, self._centre / self._spread)
        self._origin = left if left.any() else None
        self._stored = Stored(self._shared(raw))

    @property
    def matrix(self) -> Any:
        """Encoded rows `(rows, d)`."""
        return self._stored.matrix

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other rows."""
        if x is self._given:
            return self._stored.as_(dtype)[0]
        raw = self._encoded(prepared(x, self._domain))
        return self._shared(raw).astype(dtype, copy=False)

    def lens(self, models: slice, dtype: Any = np.float64) -> Lens:
        """See the rows through what some of the subsets were fitted."""
        scale, shift = (
            None if a is None else a[:, models].astype(dtype) for a in (self._scale, self._shift)
        )
        return Lens(*self._stored.as_(dtype), scale, shift, None, self._origin)

    def inside(self, models: slice, total: Floats | None = None) -> Bools:
        """Which columns `(d, B)` a subset has."""
        del total
        if self._scale is None:
            return np.ones((self.matrix.shape[1], models.stop - models.start), dtype=bool)
        return np.asarray(self._scale[:, models] != 0)

    def _numbers(self, rows: Any) -> list[Floats]:
        return [finite(part.numbers(_picked(rows, part.columns))) for part in self._parts]

    def _encoded(self, rows: Any) -> Floats:
        return np.hstack(self._numbers(rows))

    def _shared(self, raw: Floats) -> Floats:
        return np.ascontiguousarray((raw - self._centre) / self._spread)


@dataclass(frozen=True, eq=False)
class Part:
    """Some columns of a table, None being all, the fitted step that treats them, and how."""

    columns: list[Any] | None
    step: Any

    @property
    def scaled(self) -> bool:
        """Whether the step divides numbers by something."""
        return type(self.step).__name__ in FITTED

    def numbers(self, rows: Any) -> Any:
        """Numbers before any scaling: categories as columns of 0 and 1, others as they are."""
        if type(self.step).__name__ != "OneHotEncoder":
            return np.asarray(rows, dtype=np.float64)
        codes = self.step.transform(rows)
        return codes.toarray() if hasattr(codes, "toarray") else np.asarray(codes)

    def fitted(self, numbers: Floats, masks: Bools) -> Pair:
        """Shift and scale `(d, N)` that scikit-learn finds in every subset `(N, n)`."""
        if type(self.step).__name__ == "OneHotEncoder":
            seen = numbers.T @ masks.T.astype(np.float64) > 0
            return np.zeros(seen.shape), seen.astype(np.float64)
        if not self.scaled:
            shape = (numbers.shape[1], len(masks))
            return np.zeros(shape), np.ones(shape)
        return FITTED[type(self.step).__name__](self.step, numbers, masks)


def _parts(step: Any, rows: Any) -> list[Part]:
    from sklearn.base import clone

    if step is None:
        return [Part(None, None)]
    fitted = clone(step).fit(rows)
    if type(step).__name__ != "ColumnTransformer":
        return [Part(None, fitted)]
    return [
        Part(list(columns), inner)
        for _, inner, columns in fitted.transformers_
        if len(columns) and not (isinstance(inner, str) and inner == "drop")
    ]


def _picked(rows: Any, columns: list[Any] | None) -> Any:
    if columns is None:
        return rows
    if not hasattr(rows, "iloc"):
        return rows[:, columns]
    return rows[columns] if isinstance(columns[0], str) else rows.iloc[:, columns]


def _standard(step: Any, numbers: Floats, masks: Bools) -> Pair:
    mean, variance = moments(numbers, masks)
    shift = mean if step.with_mean else np.zeros_like(mean)
    if not step.with_std:
        return shift, np.ones_like(mean)
    return shift, 1 / spreads(mean, variance, masks.sum(axis=1))


def _between(step: Any, numbers: Floats, masks: Bools) -> Pair:
    low, high = _extremes(numbers, masks)
    bottom, top = step.feature_range
    scale = (top - bottom) / _not_zero(high - low)
    return low - bottom / scale, scale


def _largest(step: Any, numbers: Floats, masks: Bools) -> Pair:
    low, high = _extremes(numbers, masks)
    return np.zeros_like(low), 1 / _not_zero(np.maximum(np.abs(low), np.abs(high)))


def _not_zero(sizes: Floats) -> Floats:
    """Take 1 where scikit-learn does: where all numbers are the same."""
    return np.where(np.abs(sizes) < 10 * np.finfo(np.float64).eps, 1.0, sizes)


def _extremes(numbers: Floats, masks: Bools) -> Pair:
    """Lowest and highest number of every column in every subset, each `(d, N)`."""
    low, high = np.empty((2, numbers.shape[1], len(masks)))
    for j, column in enumerate(numbers.T):
        order = np.argsort(column)
        sorted_masks = masks[:, order]
        low[j] = column[order[sorted_masks.argmax(axis=1)]]
        high[j] = column[order[len(order) - 1 - sorted_masks[:, ::-1].argmax(axis=1)]]
    return low, high


FITTED: dict[str, Callable[[Any, Floats, Bools], Pair]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _between,
    "MaxAbsScaler": _largest,
}
