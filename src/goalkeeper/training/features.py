"""The features of N subsets around one shared matrix.

Preprocessing is fitted inside every subset, as scikit-learn would, but only its few numbers
differ: features of subset s are `(matrix - shift_s) * scale_s * shrink_s`, where a word outside the
vocabulary of a subset has scale 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.training.moments import moments, spreads
from goalkeeper.training.paths import Job

PIECE = 1 << 17  # numbers of one array that are worked on at a time
MIN_ROWS = 256


@dataclass(frozen=True, eq=False)
class Lens:
    """The features of B subsets: `matrix (n, d)` seen through their own preprocessing.

    Features of subset b are `(matrix - shift) * scale * shrink`: `scale` and `shift` are
    `(d, B)`, `shrink` is `(n, B)`; None stands for 1, 0 and 1. Never both shift and shrink.
    `origin (d,)` was taken from the matrix although no preprocessing says so: models with a bias
    are the same, and are computed more precisely.
    """

    matrix: Any
    transposed: Any
    scale: Floats | None = None
    shift: Floats | None = None
    shrink: Floats | None = None
    origin: Floats | None = None

    def only(self, models: NDArray[Any]) -> Lens:
        """Keep some of the subsets."""
        parts = (self.scale, self.shift, self.shrink)
        pick = [None if a is None else picked(a, models) for a in parts]
        return replace(self, scale=pick[0], shift=pick[1], shrink=pick[2])

    def pieces(self, width: int) -> Iterator[slice]:
        """Cut the rows so that `width` numbers a row stay in the cache; sparse rows are one."""
        n = int(self.matrix.shape[0])
        size = max(MIN_ROWS, PIECE // max(1, width)) if isinstance(self.matrix, np.ndarray) else n
        for start in range(0, n, max(1, size)):
            yield slice(start, min(start + size, n))

    def forward(self, rows: slice, weights: Floats, bias: Floats) -> Floats:
        """Multiply some rows by folded `weights (d, B, k)` and `bias (B, k)`: `(m, B, k)`."""
        part = self._part(rows)
        out: Floats = (part @ weights.reshape(len(weights), -1)).reshape(-1, *bias.shape)
        if self.shrink is not None:
            out *= self.shrink[rows, :, None]
        out += bias
        return out

    def backward(self, rows: slice, values: Floats) -> Floats:
        """Multiply some transposed rows by `values (m, B, k)`, which are used up: `(d, B, k)`."""
        if self.shrink is not None:
            values *= self.shrink[rows, :, None]
        part = self.transposed if self._whole(rows) else self._part(rows).T
        out: Floats = (part @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
        return out

    def unfold(self, pulled: Floats, total: Floats) -> Floats:
        """Turn what `backward` gave, summed over all rows, into features; in place.

        `total (B, k)` sums the values that were carried back.
        """
        if self.shift is not None:
            pulled -= self.shift[:, :, None] * total
        if self.scale is not None:
            pulled *= self.scale[:, :, None]
        return pulled

    def folded(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights on features into weights on the shared matrix; bias is `(B, k)`."""
        if self.scale is not None:
            weights = weights * self.scale[:, :, None]
        if self.shift is not None:
            bias = bias - np.einsum("db,dbk->bk", self.shift, weights)
        return weights, bias

    def unfolded(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Undo `folded`; a feature of scale 0 gets weight 0."""
        if self.shift is not None:
            bias = bias + np.einsum("db,dbk->bk", self.shift, weights)
        if self.scale is not None:
            weights = weights / np.where(self.scale == 0, np.inf, self.scale)[:, :, None]
        return weights, bias

    def _whole(self, rows: slice) -> bool:
        return bool(rows.start == 0 and rows.stop == self.matrix.shape[0])

    def _part(self, rows: slice) -> Any:
        return self.matrix if self._whole(rows) else self.matrix[rows]


class Stored:
    """One matrix `(n, d)` and its transposed, in the precisions in which they are wanted."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self._kept: dict[Any, tuple[Any, Any]] = {}

    def as_(self, dtype: Any) -> tuple[Any, Any]:
        """Matrix and transposed, both made for row-wise products."""
        if dtype not in self._kept:
            matrix = self.matrix.astype(dtype, copy=False)
            dense = isinstance(matrix, np.ndarray)
            self._kept[dtype] = (matrix, matrix.T if dense else matrix.T.tocsr())
        return self._kept[dtype]

    def squared(self, dtype: Any) -> Any:
        """Square every entry."""
        matrix = self.as_(dtype)[0]
        return matrix.multiply(matrix).tocsr()


class Space(Protocol):
    """What the subsets of one job share."""

    @property
    def matrix(self) -> Any:
        """The shared matrix `(rows, d)`."""
        ...

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other inputs `(n, d)`."""
        ...

    def lens(self, models: slice, dtype: Any = np.float64) -> Lens:
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
        self._known: dict[str, int] = {}
        params = job.path.counts.get_params(deep=False)
        names = CountVectorizer().get_params(deep=False)
        same = {name: params[name] for name in names}
        whole = {**same, "min_df": 1, "max_df": 1.0, "dtype": np.float64}
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
        self._stored = Stored(self._weighed(counts))

    @property
    def matrix(self) -> Any:
        """Counts `(rows, d)`, or their logarithms plus 1."""
        return self._stored.matrix

    @property
    def normed(self) -> bool:
        """Whether the features of a text are scaled to length 1."""
        return self._weighing is not None and self._weighing.norm == "l2"

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other texts; texts of the job are looked up, not analysed again."""
        if x is self._texts:
            return self._stored.as_(dtype)[0]
        if not self._known:
            self._known = {text: row for row, text in enumerate(self._texts)}
        rows = [self._known.get(text, -1) for text in x]
        if min(rows, default=0) >= 0:
            return self._stored.as_(dtype)[0][rows]
        return self._weighed(self._vectoriser.transform(x)).astype(dtype)

    def lens(self, models: slice, dtype: Any = np.float64) -> Lens:
        """See the texts through vocabulary, idf and length of some of the subsets."""
        if self._plain:
            return Lens(*self._stored.as_(dtype))
        scale = self.idf(models, dtype)
        shrink = shrunk(self._stored.squared(dtype), scale * scale) if self.normed else None
        return Lens(*self._stored.as_(dtype), scale, None, shrink)

    def idf(self, models: slice, dtype: Any) -> Floats:
        """Inverse document frequency `(d, B)`, 0 outside the vocabulary."""
        inside, weighing = self._within(models), self._weighing
        if weighing is None or not weighing.use_idf:
            return inside.astype(dtype)
        smooth = int(weighing.smooth_idf)
        idf = self._found[:, models].astype(dtype)
        idf += smooth
        with np.errstate(divide="ignore"):
            np.log(idf, out=idf)
        np.subtract(np.log(self._sizes[models] + smooth).astype(dtype) + 1, idf, out=idf)
        idf[~inside] = 0.0
        return idf

    def inside(self, models: slice, total: Floats | None = None) -> Bools:
        """Which words `(d, B)` are in the vocabulary of a subset."""
        if not self._plain:
            return self._within(models)
        if total is None:
            total = self._stored.as_(np.float64)[1] @ self._masks[models].T.astype(np.float64)
        return np.asarray(total > 0)

    def empty(self, models: int) -> Bools:
        """Tell which of the first subsets `(models,)` have no word at all."""
        if self._plain:
            wordless = np.asarray(np.diff(self.matrix.indptr) == 0)
            return np.asarray((~self._masks[:models] | wordless).all(axis=1))
        return np.asarray(~self._within(slice(0, models)).any(axis=0))

    def _within(self, models: slice) -> Bools:
        found = self._found[:, models]
        low, high = np.maximum(self._low[models], 1), self._high[models]
        within = found >= low.astype(np.float32)
        if (high < self._sizes[models]).any():
            within &= found <= high.astype(np.float32)
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
        self._convert, self._masks, self._given = convert, masks, job.data.x
        raw, scaler = finite(job.data.x), job.path.scaler
        width = raw.shape[1]
        self._centre, self._spread = np.zeros(width), np.ones(width)
        self._scale: Floats | None = None
        self._shift: Floats | None = None
        if scaler is not None:
            mean, variance = moments(raw, masks)
            if scaler.with_mean:
                self._centre = raw.mean(axis=0)
                self._shift = mean - self._centre[:, None]
            if scaler.with_std:
                deviation = raw.std(axis=0)
                self._spread = np.where(deviation > 0, deviation, 1.0)
                self._scale = self._spread[:, None] / spreads(mean, variance, masks.sum(axis=1))
            if self._shift is not None:
                self._shift = self._shift / self._spread[:, None]
        self._stored = Stored(self._shared(raw))

    @property
    def matrix(self) -> Any:
        """Standardised rows `(rows, d)`."""
        return self._stored.matrix

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other rows."""
        if x is self._given:
            return self._stored.as_(dtype)[0]
        return self._shared(finite(x)).astype(dtype, copy=False)

    def lens(self, models: slice, dtype: Any = np.float64) -> Lens:
        """See the rows through mean and spread of some of the subsets."""
        scale, shift = (
            None if a is None else a[:, models].astype(dtype) for a in (self._scale, self._shift)
        )
        return Lens(*self._stored.as_(dtype), scale, shift)

    def inside(self, models: slice, total: Floats | None = None) -> Bools:
        """Every subset has every column."""
        del total
        return np.ones((len(self._centre), len(self._masks[models])), dtype=bool)

    def _shared(self, raw: Floats) -> Any:
        rows = (raw - self._centre) / self._spread if self._scaled else raw
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


def shrunk(squared: Any, squares: Floats) -> Floats:
    """One over the length of every text in every subset `(n, B)`; a text without words has 1.

    `squared (n, d)` are squared counts, `squares (d, B)` squared weights of the words.
    """
    out = np.asarray(squared @ squares)
    out[out == 0] = 1.0
    np.sqrt(out, out=out)
    return np.asarray(np.reciprocal(out, out=out))


def picked(values: Floats, models: NDArray[Any]) -> Floats:
    """Keep some of the models of `(n, B, ...)`, contiguous: numpy would turn the axes around."""
    return np.ascontiguousarray(np.take(values, models, axis=1))


def finite(x: Inputs) -> Floats:
    """Flatten inputs to rows `(n, d)`; raises DataError where numbers are missing."""
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of {len(rows)} rows hold NaN or infinite numbers "
            f"(first: row {int(np.argmax(bad))}); fill or drop them"
        )
    return rows


def _limits(low: float, high: float, sizes: Ints) -> tuple[Floats, Floats]:
    """Turn min_df and max_df into whole numbers of texts, each `(N,)`; shares are floats."""
    ones = np.ones(len(sizes))
    lowest, highest = (
        np.asarray(limit * (ones if isinstance(limit, int | np.integer) else sizes), np.float64)
        for limit in (low, high)
    )
    return np.ceil(lowest), np.floor(highest)


def _found_in(counts: Any, masks: Bools) -> NDArray[np.float32]:
    """In how many texts of each subset a word occurs, `(d, N)`; exact in float32."""
    from scipy.sparse import csr_array

    ones = np.ones(len(counts.data), dtype=np.float32)
    present = csr_array((ones, counts.indices, counts.indptr), shape=counts.shape)
    found = present.T.tocsr() @ masks.T.astype(np.float32)
    return np.asarray(found, dtype=np.float32)
