"""Groups of columns that one step treats, or one that fills in missing cells and one behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.training.features import flatten_finite
from goalkeeper.training.gaps import fill_values
from goalkeeper.training.moments import compute_moments, standard_deviations

# Shift and scale `(d, N)`: features are (numbers - shift) * scale.
ShiftAndScale = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Numbers before any scaling `(n, d)`, and where subsets fill in on their own `(n, m)`."""

    numbers: Floats
    missing: Floats


def _no_places() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What scikit-learn finds in every subset: shift and scale `(d, N)`, and what it fills in.

    Feature `filled[g]` gets `change[g]` `(g, N)` more where mark `marks[g]` is 1.
    """

    shift: Floats
    scale: Floats
    change: Floats
    filled: Ints = field(default_factory=_no_places)
    marks: Ints = field(default_factory=_no_places)


@dataclass(frozen=True, eq=False)
class ColumnGroup:
    """Some columns of a table, None being all, and the fitted step that treats them.

    `filler` is the SimpleImputer before it. `marked`: cells may be missing, and what is filled in
    differs between subsets.
    """

    columns: list[Any] | None
    step: Any
    filler: Any = None
    marked: bool = False

    @property
    def scaled(self) -> bool:
        """Whether the step divides numbers by something."""
        return type(self.step).__name__ in SCALER_FITS

    @property
    def _is_coded(self) -> bool:
        return type(self.step).__name__ == "OneHotEncoder"

    def encode(self, rows: Any) -> Encoded:
        """Return numbers before any scaling: categories as columns of 0 and 1, others as is."""
        if self.filler is not None:
            rows = self.filler.transform(rows) if self._is_constant else _cells(rows)
        missing = np.zeros((rows.shape[0], 0))
        if self.marked:
            missing = _gaps(rows).astype(np.float64)
        if self._is_coded:
            codes = self.step.transform(rows)
            dense = codes.toarray() if hasattr(codes, "toarray") else np.asarray(codes)
            return Encoded(dense, missing)
        numbers = np.asarray(rows, dtype=np.float64)
        if self.marked:
            numbers = np.where(missing == 1, np.asarray(self.filler.statistics_, float), numbers)
        return Encoded(flatten_finite(numbers), missing)

    def fit(self, part: Encoded, masks: Bools) -> Fitted:
        """Find what scikit-learn finds in every subset `(N, n)`."""
        numbers, none = part.numbers, np.zeros((0, len(masks)))
        if self._is_coded:
            counts = numbers.T @ masks.T.astype(np.float64)
            seen = (counts > 0).astype(np.float64)
            if not self.marked:
                return Fitted(np.zeros(seen.shape), seen, none)
            return Fitted(np.zeros(seen.shape), seen, *self._fill_words(counts))
        if self.marked:
            return self._fit_filled(part, masks)
        if not self.scaled:
            shape = (numbers.shape[1], len(masks))
            return Fitted(np.zeros(shape), np.ones(shape), none)
        fit = SCALER_FITS[type(self.step).__name__]
        return Fitted(*fit(self.step, numbers, masks), none)

    @property
    def _is_constant(self) -> bool:
        return str(self.filler.strategy) == "constant"

    def _fill_words(self, counts: Floats) -> tuple[Floats, Ints, Ints]:
        """Fill in the most frequent word of every subset, the first in order among equals."""
        widths = [len(known) for known in self.step.categories_]
        marks = np.repeat(np.arange(len(widths)), widths)
        change = np.zeros(counts.shape)
        models, start = np.arange(counts.shape[1]), 0
        for width in widths:
            block = counts[start : start + width]
            change[start + block.argmax(axis=0), models] = block.max(axis=0) > 0
            start += width
        return change, np.arange(len(counts)), marks

    def _fit_filled(self, part: Encoded, masks: Bools) -> Fitted:
        """Fill in numbers, and scale what results."""
        missing = part.missing == 1
        before = np.asarray(self.filler.statistics_, dtype=np.float64)[:, None]
        found = fill_values(str(self.filler.strategy), part.numbers, missing, masks)
        empty = np.isnan(found)  # without any value the column is dropped
        found = np.where(empty, before, found)
        shift, scale = np.zeros(found.shape), np.ones(found.shape)
        if self.step is not None:
            mean, variance = _filled_moments(part, masks, before, found)
            shift = mean if self.step.with_mean else shift
            if self.step.with_std:
                scale = 1 / standard_deviations(mean, variance, masks.sum(axis=1))
        places = np.arange(len(found))
        return Fitted(shift, np.where(empty, 0.0, scale), found - before, places, places)


def _filled_moments(
    part: Encoded, masks: Bools, before: Floats, found: Floats
) -> tuple[Floats, Floats]:
    """Compute mean and variance in every subset, with its own value where cells are missing."""
    mean, variance = compute_moments(part.numbers, masks)
    share = (part.missing.T @ masks.T.astype(np.float64)) / masks.sum(axis=1)
    moved = share * (found - before)
    # The mean square around the old mean changes in the cells that are filled in only.
    square = variance + share * ((found - mean) ** 2 - (before - mean) ** 2)
    return mean + moved, np.maximum(square - moved**2, 0.0)


def fit_groups(step: Any, rows: Any, *, gaps: bool) -> list[ColumnGroup]:
    """Fit a step to all rows, and return what it does to which columns.

    Parameters
    ----------
    step
        A ColumnTransformer, a step that treats all columns alike, or None.
    rows
        The rows as the step wants them.
    gaps
        Whether cells may be missing.
    """
    from sklearn.base import clone

    if step is None:
        return [ColumnGroup(None, None)]
    fitted = clone(step).fit(rows)
    if type(step).__name__ != "ColumnTransformer":
        return [_group(None, fitted, gaps=gaps)]
    return [
        _group(list(columns), inner, gaps=gaps)
        for _, inner, columns in fitted.transformers_
        if len(columns) and not (isinstance(inner, str) and inner == "drop")
    ]


def _group(columns: list[Any] | None, step: Any, *, gaps: bool) -> ColumnGroup:
    steps = [inner for _, inner in step.steps] if type(step).__name__ == "Pipeline" else [step]
    if type(steps[0]).__name__ != "SimpleImputer":
        return ColumnGroup(columns, steps[0])
    marked = gaps and str(steps[0].strategy) != "constant"
    return ColumnGroup(columns, steps[1] if len(steps) > 1 else None, steps[0], marked)


def _cells(rows: Any) -> Any:
    """Return the cells of a table as an array, missing ones as NaN."""
    import pandas as pd

    if not hasattr(rows, "iloc"):
        return np.asarray(rows)
    if all(pd.api.types.is_numeric_dtype(dtype) for dtype in rows.dtypes):
        return rows.to_numpy(dtype=np.float64, na_value=np.nan)
    cells = np.array(rows, dtype=object)  # a copy: pandas may give its own
    cells[_gaps(rows)] = np.nan
    return cells


def _gaps(rows: Any) -> Bools:
    import pandas as pd

    return np.asarray(pd.isna(rows), dtype=bool)


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
