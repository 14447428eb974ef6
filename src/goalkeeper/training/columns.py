"""Tables whose columns are treated differently: categories one-hot, numbers scaled or kept.

All of it is fitted inside every subset, as scikit-learn would. What differs between subsets is
the shift and the scale of a column, and what is filled in where a cell is missing; a category that
a subset never saw has scale 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.targets.inputs import prepared
from goalkeeper.training.column_groups import Encoded, Fitted, fit_groups
from goalkeeper.training.dispatch import FitJob
from goalkeeper.training.gaps import GapFill
from goalkeeper.training.subsets import SharedMatrix, SubsetFeatures


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
        self._groups = fit_groups(
            job.parts.columns or job.parts.scaler, rows, gaps=_has_gaps(job.domain)
        )
        parts = self._encode_groups(rows)
        encoded, missing = _join(parts)
        fitted = [g.fit(part, masks) for g, part in zip(self._groups, parts, strict=True)]
        shift = np.vstack([fit.shift for fit in fitted])
        scale = np.vstack([fit.scale for fit in fitted])
        widths = [part.numbers.shape[1] for part in parts]
        scaled = np.repeat([group.scaled for group in self._groups], widths)
        self.marks = missing.shape[1]
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
        self._gaps = self._join_fills(parts, fitted)
        self._shared = SharedMatrix(self._standardise(encoded, missing))

    @property
    def matrix(self) -> Any:
        """Encoded rows `(rows, d)`."""
        return self._shared.matrix

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other rows."""
        if x is self._records:
            return self._shared.cast(dtype)[0]
        encoded, missing = _join(self._encode_groups(prepared(x, self._domain)))
        return self._standardise(encoded, missing).astype(dtype, copy=False)

    def features(self, models: slice, dtype: Any = np.float64) -> SubsetFeatures:
        """See the rows through what some of the subsets were fitted."""
        scale, shift = (
            None if a is None else a[:, models].astype(dtype) for a in (self._scale, self._shift)
        )
        gaps = None if self._gaps is None else self._gaps.select(models, dtype)
        return SubsetFeatures(*self._shared.cast(dtype), scale, shift, None, self._origin, gaps)

    def present(self, models: slice, total: Floats | None = None) -> Bools:
        """Which columns `(d, B)` a subset has."""
        del total
        if self._scale is None:
            width = self.matrix.shape[1] - self.marks
            return np.ones((width, models.stop - models.start), dtype=bool)
        return np.asarray(self._scale[:, models] != 0)

    def _encode_groups(self, rows: Any) -> list[Encoded]:
        return [group.encode(_select_columns(rows, group.columns)) for group in self._groups]

    def _standardise(self, encoded: Floats, missing: Floats) -> Floats:
        numbers = (encoded - self._centre) / self._deviation
        return np.ascontiguousarray(np.hstack([numbers, missing]) if self.marks else numbers)

    def _join_fills(self, parts: list[Encoded], fitted: list[Fitted]) -> GapFill | None:
        """Put together what the groups fill in, in units of the matrix."""
        if not self.marks:
            return None
        start = mark = 0
        columns, places, changes = [], [], []
        for part, fit in zip(parts, fitted, strict=True):
            columns.append(start + fit.filled)
            places.append(mark + fit.marks)
            changes.append(fit.change / self._deviation[start + fit.filled, None])
            start, mark = start + part.numbers.shape[1], mark + part.missing.shape[1]
        self._pad_origin()
        return GapFill(
            width=start,
            marks=mark,
            columns=np.concatenate(columns),
            places=np.concatenate(places),
            change=np.vstack(changes),
        )

    def _pad_origin(self) -> None:
        if self._origin is not None:
            self._origin = np.concatenate([self._origin, np.zeros(self.marks)])


def _has_gaps(domain: Domain) -> bool:
    return isinstance(domain, TableDomain) and bool(domain.missing.any())


def _join(parts: list[Encoded]) -> tuple[Floats, Floats]:
    numbers, missing = (np.hstack([getattr(p, n) for p in parts]) for n in ("numbers", "missing"))
    return numbers, missing


def _select_columns(rows: Any, columns: list[Any] | None) -> Any:
    if columns is None:
        return rows
    if not hasattr(rows, "iloc"):
        return rows[:, columns]
    return rows[columns] if isinstance(columns[0], str) else rows.iloc[:, columns]
