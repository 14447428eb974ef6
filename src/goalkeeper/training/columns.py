"""Tables whose columns are treated differently: categories one-hot, numbers scaled or kept.

All of it is fitted inside every subset, as scikit-learn would. What differs between subsets is
the shift and the scale of a column; a category that a subset never saw has scale 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.targets.inputs import prepared
from goalkeeper.training.dispatch import FitJob
from goalkeeper.training.features import SharedMatrix, SubsetFeatures, flatten_finite
from goalkeeper.training.moments import compute_moments, standard_deviations

# Shift and scale `(d, N)`: features are (numbers - shift) * scale.
ShiftAndScale = tuple[Floats, Floats]


class ColumnSpace:
    """One matrix for all subsets, then shift and scale of every column in every subset.

    Parameters
    ----------
    job
        Data and pipeline; its columns or its scaler say what is done to a table.
    masks
        Rows of every subset `(N, rows)`.
    with_bias
        The models have a bias that is not penalised: it makes up for a mean that is taken from a
        column, so that columns are centred whether the pipeline says so or not. Large means would
        cost digits.
    """

    def __init__(self, job: FitJob, masks: Bools, *, with_bias: bool) -> None:
        self._records, self._domain = job.data.x, job.domain
        rows = prepared(job.data.x, job.domain)
        self._groups = _fit_groups(job.parts.columns or job.parts.scaler, rows)
        encoded = self._encode(rows)
        shape = encoded.shape[1], len(masks)
        shift, scale = np.zeros(shape), np.ones(shape)
        scaled = np.zeros(shape[0], dtype=bool)
        start = 0
        for group, numbers in zip(self._groups, self._encode_groups(rows), strict=True):
            columns = slice(start, start + numbers.shape[1])
            shift[columns], scale[columns] = group.fit(numbers, masks)
            scaled[columns] = group.scaled
            start = columns.stop
        # The matrix is standardised on all rows; shift and scale become what remains to be done.
        shifted = np.asarray(shift.any(axis=1))
        self._centre = np.where(shifted | with_bias, encoded.mean(axis=0), 0.0)
        deviation = encoded.std(axis=0)
        self._deviation = np.where(scaled & (deviation > 0), deviation, 1.0)
        shift = np.where(shifted[:, None], shift - self._centre[:, None], 0.0)
        self._shift = shift / self._deviation[:, None] if shifted.any() else None
        scale *= self._deviation[:, None]
        self._scale = scale if (scale != 1).any() else None
        uncentred = np.where(shifted, 0.0, self._centre / self._deviation)
        self._origin = uncentred if uncentred.any() else None
        self._shared = SharedMatrix(self._standardise(encoded))

    @property
    def matrix(self) -> Any:
        """Encoded rows `(rows, d)`."""
        return self._shared.matrix

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other rows."""
        if x is self._records:
            return self._shared.cast(dtype)[0]
        encoded = self._encode(prepared(x, self._domain))
        return self._standardise(encoded).astype(dtype, copy=False)

    def features(self, models: slice, dtype: Any = np.float64) -> SubsetFeatures:
        """See the rows through what some of the subsets were fitted."""
        scale, shift = (
            None if a is None else a[:, models].astype(dtype) for a in (self._scale, self._shift)
        )
        return SubsetFeatures(*self._shared.cast(dtype), scale, shift, None, self._origin)

    def present(self, models: slice, total: Floats | None = None) -> Bools:
        """Which columns `(d, B)` a subset has."""
        del total
        if self._scale is None:
            return np.ones((self.matrix.shape[1], models.stop - models.start), dtype=bool)
        return np.asarray(self._scale[:, models] != 0)

    def _encode_groups(self, rows: Any) -> list[Floats]:
        parts = ((g, _select_columns(rows, g.columns)) for g in self._groups)
        return [flatten_finite(group.encode(part)) for group, part in parts]

    def _encode(self, rows: Any) -> Floats:
        return np.hstack(self._encode_groups(rows))

    def _standardise(self, encoded: Floats) -> Floats:
        return np.ascontiguousarray((encoded - self._centre) / self._deviation)


@dataclass(frozen=True, eq=False)
class ColumnGroup:
    """Some columns of a table, None being all, and the fitted step that treats them."""

    columns: list[Any] | None
    step: Any

    @property
    def scaled(self) -> bool:
        """Whether the step divides numbers by something."""
        return type(self.step).__name__ in SCALER_FITS

    def encode(self, rows: Any) -> Any:
        """Return numbers before any scaling: categories as columns of 0 and 1, others as is."""
        if type(self.step).__name__ != "OneHotEncoder":
            return np.asarray(rows, dtype=np.float64)
        codes = self.step.transform(rows)
        return codes.toarray() if hasattr(codes, "toarray") else np.asarray(codes)

    def fit(self, numbers: Floats, masks: Bools) -> ShiftAndScale:
        """Find the shift and scale `(d, N)` that scikit-learn finds in every subset `(N, n)`."""
        if type(self.step).__name__ == "OneHotEncoder":
            seen = numbers.T @ masks.T.astype(np.float64) > 0
            return np.zeros(seen.shape), seen.astype(np.float64)
        if not self.scaled:
            shape = (numbers.shape[1], len(masks))
            return np.zeros(shape), np.ones(shape)
        return SCALER_FITS[type(self.step).__name__](self.step, numbers, masks)


def _fit_groups(step: Any, rows: Any) -> list[ColumnGroup]:
    from sklearn.base import clone

    if step is None:
        return [ColumnGroup(None, None)]
    fitted = clone(step).fit(rows)
    if type(step).__name__ != "ColumnTransformer":
        return [ColumnGroup(None, fitted)]
    return [
        ColumnGroup(list(columns), inner)
        for _, inner, columns in fitted.transformers_
        if len(columns) and not (isinstance(inner, str) and inner == "drop")
    ]


def _select_columns(rows: Any, columns: list[Any] | None) -> Any:
    if columns is None:
        return rows
    if not hasattr(rows, "iloc"):
        return rows[:, columns]
    return rows[columns] if isinstance(columns[0], str) else rows.iloc[:, columns]


def _fit_standard(step: Any, numbers: Floats, masks: Bools) -> ShiftAndScale:
    mean, variance = compute_moments(numbers, masks)
    shift = mean if step.with_mean else np.zeros_like(mean)
    if not step.with_std:
        return shift, np.ones_like(mean)
    return shift, 1 / standard_deviations(mean, variance, masks.sum(axis=1))


def _fit_min_max(step: Any, numbers: Floats, masks: Bools) -> ShiftAndScale:
    low, high = _find_extremes(numbers, masks)
    bottom, top = step.feature_range
    scale = (top - bottom) / _one_for_zero(high - low)
    return low - bottom / scale, scale


def _fit_max_abs(step: Any, numbers: Floats, masks: Bools) -> ShiftAndScale:
    low, high = _find_extremes(numbers, masks)
    return np.zeros_like(low), 1 / _one_for_zero(np.maximum(np.abs(low), np.abs(high)))


def _one_for_zero(sizes: Floats) -> Floats:
    """Take 1 where scikit-learn does: where all numbers are the same, to 10 roundings."""
    return np.where(np.abs(sizes) < 10 * np.finfo(np.float64).eps, 1.0, sizes)


def _find_extremes(numbers: Floats, masks: Bools) -> ShiftAndScale:
    """Find the lowest and highest number of every column in every subset, each `(d, N)`."""
    low, high = np.empty((2, numbers.shape[1], len(masks)))
    for j, column in enumerate(numbers.T):
        # Sorted once for all subsets: the first and the last row of a subset are its extremes.
        order = np.argsort(column)
        sorted_masks = masks[:, order]
        low[j] = column[order[sorted_masks.argmax(axis=1)]]
        high[j] = column[order[len(order) - 1 - sorted_masks[:, ::-1].argmax(axis=1)]]
    return low, high


SCALER_FITS: Mapping[str, Callable[[Any, Floats, Bools], ShiftAndScale]] = {
    "StandardScaler": _fit_standard,
    "MinMaxScaler": _fit_min_max,
    "MaxAbsScaler": _fit_max_abs,
}
