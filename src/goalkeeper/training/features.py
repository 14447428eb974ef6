"""The features of N subsets around one shared matrix.

Preprocessing is fitted inside every subset, as scikit-learn would, but only its few numbers
differ: features of subset s are `(matrix - shift_s) * scale_s * row_scale_s`, where a word outside
the vocabulary of a subset has scale 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.training.dispatch import FitJob
from goalkeeper.training.moments import compute_moments, standard_deviations

PIECE_NUMBERS = 1 << 17  # of one array that are worked on at a time: 1 MiB of float64, in the cache
MIN_PIECE_ROWS = 256  # so that wide arrays are not cut into products that are all overhead


@dataclass(frozen=True, eq=False)
class SubsetFeatures:
    """The features of B subsets: `matrix (n, d)` seen through their own preprocessing.

    Features of subset b are `(matrix - shift) * scale * row_scale`: `scale` and `shift` are
    `(d, B)`, `row_scale` is `(n, B)`; None stands for 1, 0 and 1. Never both shift and row scale.
    `origin (d,)` was taken from the matrix although no preprocessing says so: models with a bias
    are the same, and are computed more precisely.
    """

    matrix: Any
    transposed: Any
    scale: Floats | None = None
    shift: Floats | None = None
    row_scale: Floats | None = None
    origin: Floats | None = None

    def select(self, models: NDArray[Any]) -> SubsetFeatures:
        """Keep some of the subsets."""
        arrays = (self.scale, self.shift, self.row_scale)
        selected = [None if a is None else select_models(a, models) for a in arrays]
        return replace(self, scale=selected[0], shift=selected[1], row_scale=selected[2])

    def row_pieces(self, width: int) -> Iterator[slice]:
        """Cut the rows so that `width` numbers a row stay in the cache; sparse rows are one."""
        n = int(self.matrix.shape[0])
        dense = isinstance(self.matrix, np.ndarray)
        size = max(MIN_PIECE_ROWS, PIECE_NUMBERS // max(1, width)) if dense else n
        for start in range(0, n, max(1, size)):
            yield slice(start, min(start + size, n))

    def forward(self, rows: slice, weights: Floats, bias: Floats) -> Floats:
        """Multiply some rows by folded `weights (d, B, k)` and `bias (B, k)`: `(m, B, k)`."""
        matrix = self._take_rows(rows)
        out: Floats = (matrix @ weights.reshape(len(weights), -1)).reshape(-1, *bias.shape)
        if self.row_scale is not None:
            out *= self.row_scale[rows, :, None]
        out += bias
        return out

    def backward(self, rows: slice, values: Floats) -> Floats:
        """Multiply some transposed rows by `values (m, B, k)`, which are used up: `(d, B, k)`."""
        if self.row_scale is not None:
            values *= self.row_scale[rows, :, None]
        matrix = self.transposed if self._is_whole(rows) else self._take_rows(rows).T
        out: Floats = (matrix @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
        return out

    def unfold_gradient(self, product: Floats, total: Floats) -> Floats:
        """Turn what `backward` gave, summed over all rows, into features; in place.

        `total (B, k)` sums the values that were carried back.
        """
        if self.shift is not None:
            product -= self.shift[:, :, None] * total
        if self.scale is not None:
            product *= self.scale[:, :, None]
        return product

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Turn weights on features into weights on the shared matrix; bias is `(B, k)`."""
        if self.scale is not None:
            weights = weights * self.scale[:, :, None]
        if self.shift is not None:
            bias = bias - np.einsum("db,dbk->bk", self.shift, weights)
        return weights, bias

    def unfold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Undo `fold`; a feature of scale 0 gets weight 0."""
        if self.shift is not None:
            bias = bias + np.einsum("db,dbk->bk", self.shift, weights)
        if self.scale is not None:
            weights = weights / np.where(self.scale == 0, np.inf, self.scale)[:, :, None]
        return weights, bias

    def _is_whole(self, rows: slice) -> bool:
        return bool(rows.start == 0 and rows.stop == self.matrix.shape[0])

    def _take_rows(self, rows: slice) -> Any:
        return self.matrix if self._is_whole(rows) else self.matrix[rows]


class SharedMatrix:
    """One matrix `(n, d)` and its transposed, in the precisions in which they are wanted."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self._casts: dict[Any, tuple[Any, Any]] = {}

    def cast(self, dtype: Any) -> tuple[Any, Any]:
        """Return matrix and transposed, both made for row-wise products."""
        if dtype not in self._casts:
            matrix = self.matrix.astype(dtype, copy=False)
            dense = isinstance(matrix, np.ndarray)
            self._casts[dtype] = (matrix, matrix.T if dense else matrix.T.tocsr())
        return self._casts[dtype]

    def squared(self, dtype: Any) -> Any:
        """Square every entry."""
        matrix = self.cast(dtype)[0]
        return matrix.multiply(matrix).tocsr()


class FeatureSpace(Protocol):
    """What the subsets of one job share."""

    @property
    def matrix(self) -> Any:
        """The shared matrix `(rows, d)`."""
        ...

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Return the shared matrix of other inputs `(n, d)`."""
        ...

    def features(self, models: slice, dtype: Any = np.float64) -> SubsetFeatures:
        """See the rows through some of the subsets' preprocessing."""
        ...

    def present(self, models: slice, total: Floats | None = None) -> Bools:
        """Tell which features `(d, B)` a subset has; `total (d, B)` sums its counts, if known."""
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

    def __init__(self, job: FitJob, masks: Bools, *, presence: bool = False) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self._texts, self._tfidf, self._masks = job.data.x, job.parts.tfidf, masks
        self._row_of_text: dict[str, int] = {}
        params = job.parts.vectoriser.get_params(deep=False)
        names = CountVectorizer().get_params(deep=False)
        same = {name: params[name] for name in names}
        # All words are counted once; limits on document frequencies then hold in each subset.
        parameters = {**same, "min_df": 1, "max_df": 1.0, "dtype": np.float64}
        if presence:
            parameters["binary"] = True
        self._vectoriser = CountVectorizer(**parameters)
        counts = self._vectoriser.fit_transform(self._texts)
        self._sizes = masks.sum(axis=1)
        limits = _document_limits(params["min_df"], params["max_df"], self._sizes)
        self._min_count, self._max_count = limits
        unlimited = bool((self._min_count <= 1).all() and (self._max_count >= self._sizes).all())
        self._untouched = self._tfidf is None and unlimited
        self._frequencies = np.empty((counts.shape[1], 0), dtype=np.float32)
        self._kept_words: Ints | None = None
        if not self._untouched:
            self._frequencies = _document_frequencies(counts, masks)
            self._kept_words = np.flatnonzero(self._in_vocabulary(slice(0, len(masks))).any(axis=1))
            self._frequencies = self._frequencies[self._kept_words]
        self._shared = SharedMatrix(self._weigh(counts))

    @property
    def matrix(self) -> Any:
        """Counts `(rows, d)`, or their logarithms plus 1."""
        return self._shared.matrix

    @property
    def normed(self) -> bool:
        """Whether the features of a text are scaled to length 1."""
        return self._tfidf is not None and self._tfidf.norm == "l2"

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Shared matrix of other texts; texts of the job are looked up, not analysed again."""
        if x is self._texts:
            return self._shared.cast(dtype)[0]
        if not self._row_of_text:
            self._row_of_text = {text: row for row, text in enumerate(self._texts)}
        rows = [self._row_of_text.get(text, -1) for text in x]
        if min(rows, default=0) >= 0:
            return self._shared.cast(dtype)[0][rows]
        return self._weigh(self._vectoriser.transform(x)).astype(dtype)

    def features(self, models: slice, dtype: Any = np.float64) -> SubsetFeatures:
        """See the texts through vocabulary, idf and length of some of the subsets."""
        if self._untouched:
            return SubsetFeatures(*self._shared.cast(dtype))
        scale = self.idf(models, dtype)
        row_scale = None
        if self.normed:
            row_scale = inverse_lengths(self._shared.squared(dtype), scale * scale)
        return SubsetFeatures(*self._shared.cast(dtype), scale, None, row_scale)

    def idf(self, models: slice, dtype: Any) -> Floats:
        """Return the inverse document frequency `(d, B)`, 0 outside the vocabulary.

        That of scikit-learn, smoothed: `log((texts + 1) / (texts with the word + 1)) + 1`.
        """
        present, tfidf = self._in_vocabulary(models), self._tfidf
        if tfidf is None or not tfidf.use_idf:
            return present.astype(dtype)
        smooth = int(tfidf.smooth_idf)
        idf = self._frequencies[:, models].astype(dtype)
        idf += smooth
        with np.errstate(divide="ignore"):
            np.log(idf, out=idf)
        np.subtract(np.log(self._sizes[models] + smooth).astype(dtype) + 1, idf, out=idf)
        idf[~present] = 0.0
        return idf

    def present(self, models: slice, total: Floats | None = None) -> Bools:
        """Tell which words `(d, B)` are in the vocabulary of a subset."""
        if not self._untouched:
            return self._in_vocabulary(models)
        if total is None:
            total = self._shared.cast(np.float64)[1] @ self._masks[models].T.astype(np.float64)
        return np.asarray(total > 0)

    def without_words(self, models: int) -> Bools:
        """Tell which of the first subsets `(models,)` have no word at all."""
        if self._untouched:
            wordless = np.asarray(np.diff(self.matrix.indptr) == 0)
            return np.asarray((~self._masks[:models] | wordless).all(axis=1))
        return np.asarray(~self._in_vocabulary(slice(0, models)).any(axis=0))

    def _in_vocabulary(self, models: slice) -> Bools:
        frequencies = self._frequencies[:, models]
        low, high = np.maximum(self._min_count[models], 1), self._max_count[models]
        in_vocabulary = frequencies >= low.astype(np.float32)
        if (high < self._sizes[models]).any():
            in_vocabulary &= frequencies <= high.astype(np.float32)
        return np.asarray(in_vocabulary)

    def _weigh(self, counts: Any) -> Any:
        if self._kept_words is not None and len(self._kept_words) < counts.shape[1]:
            counts = counts[:, self._kept_words]
        if self._tfidf is not None and self._tfidf.sublinear_tf:
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
        self, job: FitJob, masks: Bools, convert: Callable[[Floats], Any] | None = None
    ) -> None:
        self._convert, self._masks, self._records = convert, masks, job.data.x
        x, scaler = flatten_finite(job.data.x), job.parts.scaler
        width = x.shape[1]
        self._centre, self._deviation = np.zeros(width), np.ones(width)
        self._scale: Floats | None = None
        self._shift: Floats | None = None
        if scaler is not None:
            mean, variance = compute_moments(x, masks)
            if scaler.with_mean:
                self._centre = x.mean(axis=0)
                self._shift = mean - self._centre[:, None]
            if scaler.with_std:
                deviation = x.std(axis=0)
                self._deviation = np.where(deviation > 0, deviation, 1.0)
                deviations = standard_deviations(mean, variance, masks.sum(axis=1))
                self._scale = self._deviation[:, None] / deviations
            if self._shift is not None:
                self._shift = self._shift / self._deviation[:, None]
        self._shared = SharedMatrix(self._standardise(x))

    @property
    def matrix(self) -> Any:
        """Standardised rows `(rows, d)`."""
        return self._shared.matrix

    def read(self, x: Inputs, dtype: Any) -> Any:
        """Return the shared matrix of other rows."""
        if x is self._records:
            return self._shared.cast(dtype)[0]
        return self._standardise(flatten_finite(x)).astype(dtype, copy=False)

    def features(self, models: slice, dtype: Any = np.float64) -> SubsetFeatures:
        """See the rows through mean and spread of some of the subsets."""
        scale, shift = (
            None if a is None else a[:, models].astype(dtype) for a in (self._scale, self._shift)
        )
        return SubsetFeatures(*self._shared.cast(dtype), scale, shift)

    def present(self, models: slice, total: Floats | None = None) -> Bools:
        """Tell that every subset has every column."""
        del total
        return np.ones((len(self._centre), len(self._masks[models])), dtype=bool)

    def _standardise(self, x: Floats) -> Any:
        rows = (x - self._centre) / self._deviation if self._is_scaled else x
        return rows if self._convert is None else self._convert(rows)

    @property
    def _is_scaled(self) -> bool:
        return self._scale is not None or self._shift is not None


def check_vocabularies(space: FeatureSpace, models: int) -> None:
    """Refuse subsets whose vocabulary is empty; raises DataError that names the model."""
    if not isinstance(space, TextSpace):
        return
    without_words = space.without_words(models)
    if without_words.any():
        raise DataError(
            f"model {int(np.argmax(without_words))} of {models}: no word of its records is left in "
            "the vocabulary; lower min_df, raise max_df, or draw larger subsets"
        )


def inverse_lengths(squared: Any, squares: Floats) -> Floats:
    """Return 1 over the length of every text in every subset `(n, B)`; without words it is 1.

    `squared (n, d)` are squared counts, `squares (d, B)` squared weights of the words.
    """
    out = np.asarray(squared @ squares)
    out[out == 0] = 1.0
    np.sqrt(out, out=out)
    return np.asarray(np.reciprocal(out, out=out))


def select_models(values: Floats, models: NDArray[Any]) -> Floats:
    """Keep some of the models of `(n, B, ...)`, contiguous: numpy would turn the axes around."""
    return np.ascontiguousarray(np.take(values, models, axis=1))


def flatten_finite(x: Inputs) -> Floats:
    """Flatten inputs to rows `(n, d)`; raises DataError where numbers are missing."""
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    invalid = ~np.isfinite(rows).all(axis=1)
    if invalid.any():
        raise DataError(
            f"{int(invalid.sum())} of {len(rows)} rows hold NaN or infinite numbers "
            f"(first: row {int(np.argmax(invalid))}); fill or drop them"
        )
    return rows


def _document_limits(low: float, high: float, sizes: Ints) -> tuple[Floats, Floats]:
    """Turn min_df and max_df into whole numbers of texts, each `(N,)`; shares are floats."""
    ones = np.ones(len(sizes))
    lower, upper = (
        np.asarray(limit * (ones if isinstance(limit, int | np.integer) else sizes), np.float64)
        for limit in (low, high)
    )
    return np.ceil(lower), np.floor(upper)


def _document_frequencies(counts: Any, masks: Bools) -> NDArray[np.float32]:
    """Count the texts of each subset in which a word occurs `(d, N)`; float32 is exact to 2**24."""
    from scipy.sparse import csr_array

    ones = np.ones(len(counts.data), dtype=np.float32)
    present = csr_array((ones, counts.indices, counts.indptr), shape=counts.shape)
    frequencies = present.T.tocsr() @ masks.T.astype(np.float32)
    return np.asarray(frequencies, dtype=np.float32)
