"""The features of N subsets around one shared matrix.

Preprocessing is fitted inside every subset, as scikit-learn would, but only its few numbers
differ: features of subset s are `(matrix - shift_s) * scale_s / norm_s`, where a word outside the
vocabulary of a subset has scale 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.training.paths import Job

SUSPECT = 1e-8  # a column whose variance shrank by this factor is looked at exactly
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Lens:
    """The features of B subsets: `matrix (n, d)` seen through their own preprocessing.

    `scale` and `shift` are `(d, B)`, `norm` is `(n, B)`; None stands for 1, 0 and 1.
    """

    matrix: Any
    transposed: Any
    scale: Floats | None = None
    shift: Floats | None = None
    norm: Floats | None = None

    def only(self, models: NDArray[Any]) -> Lens:
        """Keep some of the subsets."""
        pick = [None if a is None else a[:, models] for a in (self.scale, self.shift, self.norm)]
        return Lens(self.matrix, self.transposed, *pick)

    def forward(self, weights: Floats) -> Floats:
        """Multiply features by `weights (d, B, k)`, giving `(n, B, k)`."""
        width, shape = len(weights), weights.shape[1:]
        scaled = weights if self.scale is None else weights * self.scale[:, :, None]
        out = (self.matrix @ scaled.reshape(width, -1)).reshape(-1, *shape)
        if self.shift is not None:
            out -= np.einsum("db,dbk->bk", self.shift, scaled)
        if self.norm is not None:
            out /= self.norm[:, :, None]
        return np.asarray(out)

    def backward(self, values: Floats) -> Floats:
        """Multiply transposed features by `values (n, B, k)`, giving `(d, B, k)`."""
        n, shape = len(values), values.shape[1:]
        if self.norm is not None:
            values = values / self.norm[:, :, None]
        out = (self.transposed @ values.reshape(n, -1)).reshape(-1, *shape)
        if self.shift is not None:
            out -= self.shift[:, :, None] * values.sum(axis=0)
        if self.scale is not None:
            out *= self.scale[:, :, None]
        return np.asarray(out)

    def folded(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights on features into weights on the shared matrix; bias is `(B, k)`."""
        if self.scale is not None:
            weights = weights * self.scale[:, :, None]
        if self.shift is not None:
            bias = bias - np.einsum("db,dbk->bk", self.shift, weights)
        return weights, bias

    def unfolded(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Undo `folded`."""
        if self.shift is not None:
            bias = bias + np.einsum("db,dbk->bk", self.shift, weights)
        if self.scale is not None:
            weights = weights / np.where(self.scale == 0, 1.0, self.scale)[:, :, None]
        return weights, bias


class Space(Protocol):
    """What the subsets of one job share."""

    @property
    def matrix(self) -> Any:
        """The shared matrix `(rows, d)`."""
        ...

    def read(self, x: Inputs) -> Any:
        """Shared matrix of other inputs `(n, d)`."""
        ...

    def lens(self, models: slice) -> Lens:
        """See the rows through some of the subsets' preprocessing."""
        ...

    def inside(self, models: slice, total: Floats | None = None) -> Bools:
        """Which features `(d, B)` a subset has; `total (d, B)` sums its counts, if known."""
        ...


class TextSpace:
    """Texts: one analysis of all of them, then vocabulary and idf of every subset.

    Parameters
    ----------
    job
        Data and pipeline.
    masks
        Rows of every subset `(N, rows)`.
    presence
        Count every word once a text.
    """

    def __init__(self, job: Job, masks: Bools, *, presence: bool = False) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self._texts, self._weighing, self._masks = job.data.x, job.path.weighing, masks
        self._dtype = job.dtype
        self._known: dict[str, int] = {}
        params = job.path.counts.get_params(deep=False)
        names = CountVectorizer().get_params(deep=False)
        same = {name: params[name] for name in names}
        whole = {**same, "min_df": 1, "max_df": 1.0, "dtype": job.dtype}
        if presence:
            whole["binary"] = True
        self._vectoriser = CountVectorizer(**whole)
        counts = self._vectoriser.fit_transform(self._texts)
        self._sizes = masks.sum(axis=1)
        self._low, self._high = _limits(params["min_df"], params["max_df"], self._sizes)
        everywhere = bool((self._low <= 1).all() and (self._high >= self._sizes).all())
        self._plain = self._weighing is None and everywhere
        self._found = np.empty((counts.shape[1], 0), dtype=np.float32)
        self._keep: Ints | None = None
        if not self._plain:
            self._found = _found_in(counts, masks)
            self._keep = np.flatnonzero(self._within(slice(0, len(masks))).any(axis=1))
            self._found = self._found[self._keep]
        self.matrix = self._weighed(counts)
        self._transposed = self.matrix.T.tocsr()
        self._squared = self.matrix.multiply(self.matrix).tocsr() if self.normed else None

    @property
    def normed(self) -> bool:
        """Whether the features of a text are scaled to length 1."""
        return self._weighing is not None and self._weighing.norm == "l2"

    def read(self, x: Inputs) -> Any:
        """Shared matrix of other texts; texts of the job are looked up, not analysed again."""
        if not self._known:
            self._known = {text: row for row, text in enumerate(self._texts)}
        rows = [self._known.get(text, -1) for text in x]
        if min(rows, default=0) >= 0:
            return self.matrix[rows]
        return self._weighed(self._vectoriser.transform(x))

    def lens(self, models: slice) -> Lens:
        """See the texts through vocabulary, idf and length of some of the subsets."""
        if self._plain:
            return Lens(self.matrix, self._transposed)
        scale = self.idf(models)
        norm = None
        if self._squared is not None:
            norm = np.sqrt(self._squared @ (scale * scale))
            norm[norm == 0] = 1.0
        return Lens(self.matrix, self._transposed, scale, None, norm)

    def idf(self, models: slice) -> Floats:
        """Inverse document frequency `(d, B)`, 0 outside the vocabulary."""
        inside, weighing = self._within(models), self._weighing
        if weighing is None or not weighing.use_idf:
            return inside.astype(self._dtype)
        smooth = int(weighing.smooth_idf)
        with np.errstate(divide="ignore"):
            idf = np.log((self._sizes[models] + smooth) / (self._found[:, models] + float(smooth)))
        return np.where(inside, idf + 1.0, 0.0).astype(self._dtype, copy=False)

    def inside(self, models: slice, total: Floats | None = None) -> Bools:
        """Which words `(d, B)` are in the vocabulary of a subset."""
        if not self._plain:
            return self._within(models)
        if total is None:
            total = self._transposed @ self._masks[models].T.astype(self._dtype)
        return np.asarray(total > 0)

    def empty(self, models: int) -> Bools:
        """Tell which of the first subsets `(models,)` have no word at all."""
        if self._plain:
            wordless = np.asarray(np.diff(self.matrix.indptr) == 0)
            return np.asarray((~self._masks[:models] | wordless).all(axis=1))
        return np.asarray(~self._within(slice(0, models)).any(axis=0))

    def _within(self, models: slice) -> Bools:
        found = self._found[:, models]
        within = (found > 0) & (found >= self._low[models]) & (found <= self._high[models])
        return np.asarray(within)

    def _weighed(self, counts: Any) -> Any:
        if self._keep is not None and len(self._keep) < counts.shape[1]:
            counts = counts[:, self._keep]
        if self._weighing is not None and self._weighing.sublinear_tf:
            counts = counts.copy()
            counts.data = np.log(counts.data) + 1.0
        return counts


class TableSpace:
    """Tables and images: one matrix, standardised once, then mean and spread of every subset.

    Parameters
    ----------
    job
        Data and pipeline.
    masks
        Rows of every subset `(N, rows)`.
    convert
        Change of the matrix `(n, d)` before anything else (to a sparse one, to 0 and 1).
    """

    def __init__(
        self, job: Job, masks: Bools, convert: Callable[[Floats], Any] | None = None
    ) -> None:
        self._convert, self._masks, self._dtype = convert, masks, job.dtype
        raw, scaler = _finite(job.data.x), job.path.scaler
        width = raw.shape[1]
        self._centre, self._spread = np.zeros(width), np.ones(width)
        self._scale: Floats | None = None
        self._shift: Floats | None = None
        if scaler is not None:
            mean, spread = _moments(raw, masks)
            if scaler.with_mean:
                self._centre = raw.mean(axis=0)
                self._shift = mean - self._centre[:, None]
            if scaler.with_std:
                deviation = raw.std(axis=0)
                self._spread = np.where(deviation > 0, deviation, 1.0)
                self._scale = self._spread[:, None] / spread
            if self._shift is not None:
                self._shift = self._shift / self._spread[:, None]
        self.matrix = self._shared(raw)
        self._transposed = self.matrix.T if convert is None else self.matrix.T.tocsr()

    def read(self, x: Inputs) -> Any:
        """Shared matrix of other rows."""
        return self._shared(_finite(x))

    def lens(self, models: slice) -> Lens:
        """See the rows through mean and spread of some of the subsets."""
        pick = [
            None if a is None else a[:, models].astype(self._dtype, copy=False)
            for a in (self._scale, self._shift)
        ]
        return Lens(self.matrix, self._transposed, *pick)

    def inside(self, models: slice, total: Floats | None = None) -> Bools:
        """Every subset has every column."""
        del total
        return np.ones((len(self._centre), len(self._masks[models])), dtype=bool)

    def _shared(self, raw: Floats) -> Any:
        rows = (raw - self._centre) / self._spread if self._scaled else raw
        rows = rows.astype(self._dtype, copy=False)
        return rows if self._convert is None else self._convert(rows)

    @property
    def _scaled(self) -> bool:
        return self._scale is not None or self._shift is not None


def check_vocabularies(space: Space, models: int) -> None:
    """Refuse subsets whose vocabulary is empty; raises DataError that names the model."""
    if not isinstance(space, TextSpace):
        return
    empty = space.empty(models)
    if empty.any():
        raise DataError(
            f"model {int(np.argmax(empty))} of {models}: no word of its records is left in the "
            "vocabulary; lower min_df, raise max_df, or draw larger subsets"
        )


def _limits(low: float, high: float, sizes: Ints) -> tuple[Floats, Floats]:
    """Turn min_df and max_df into numbers of texts, each `(N,)`; shares are floats."""
    ones = np.ones(len(sizes))
    lowest, highest = (
        np.asarray(limit * (ones if isinstance(limit, int | np.integer) else sizes), np.float64)
        for limit in (low, high)
    )
    return lowest, highest


def _found_in(counts: Any, masks: Bools) -> NDArray[np.float32]:
    """In how many texts of each subset a word occurs, `(d, N)`; exact in float32."""
    from scipy.sparse import csr_array

    ones = np.ones(len(counts.data), dtype=np.float32)
    present = csr_array((ones, counts.indices, counts.indptr), shape=counts.shape)
    found = present.T.tocsr() @ masks.T.astype(np.float32)
    return np.asarray(found, dtype=np.float32)


def _moments(raw: Floats, masks: Bools) -> tuple[Floats, Floats]:
    """Mean and spread of every column in every subset, each `(d, N)`, as in StandardScaler."""
    sizes, member = masks.sum(axis=1), masks.astype(np.float64)
    centre = raw.mean(axis=0)
    rows = raw - centre
    offset = (rows.T @ member.T) / sizes
    variance = ((rows * rows).T @ member.T) / sizes - offset * offset
    suspects = np.argwhere(variance <= SUSPECT * rows.var(axis=0)[:, None])
    for column, model in suspects:
        variance[column, model] = raw[masks[model], column].var()
    mean = offset + centre[:, None]
    constant = variance <= sizes * EPS * variance + (sizes * mean * EPS) ** 2
    return mean, np.sqrt(np.where(constant, 1.0, variance))


def _finite(x: Inputs) -> Floats:
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of {len(rows)} rows hold NaN or infinite numbers "
            f"(first: row {int(np.argmax(bad))}); fill or drop them"
        )
    return rows
