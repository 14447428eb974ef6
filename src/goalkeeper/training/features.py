"""The features of N subsets around one shared matrix.

Preprocessing is fitted inside every subset, as scikit-learn would, but only its few numbers
differ: features of subset s are `(matrix - shift_s) * scale_s * row_scale_s`, where a word outside
the vocabulary of a subset has scale 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.training.dispatch import FitJob
from goalkeeper.training.moments import compute_moments, standard_deviations
from goalkeeper.training.subsets import SharedMatrix, SubsetFeatures


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
