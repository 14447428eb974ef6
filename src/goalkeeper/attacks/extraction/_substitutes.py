"""What is handed in: fitted copies, which are numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from goalkeeper.attacks._row_design import expand_levels
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.design import Design
from goalkeeper.core.text import terms


@dataclass(frozen=True, eq=False)
class ConstantSubstitute:
    """A copy that always gives the same class: what is handed in before anything was learnt."""

    label: int

    def predict(self, x: Inputs) -> Ints:
        """Return the class for every input, `(n,)`."""
        return np.full(len(x), self.label, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LinearSubstitute:
    """The class of the largest of `rows @ weights.T + bias`; one row of weights: towards class 1.

    `levels` replaces coded columns by one column a level (see `RowDesign`); empty: none are coded.
    `design` replaces all columns by the features of the model that is copied.
    """

    weights: Floats
    bias: Floats
    levels: tuple[tuple[int, float], ...] = ()
    design: Design | None = None

    @property
    def parameters(self) -> Mapping[str, Any] | None:
        """Weights and bias in terms of the columns or of a design, unless levels are coded."""
        if self.levels:
            return None
        design = {} if self.design is None else {"design": self.design}
        return {"weights": self.weights, "bias": self.bias, **design}

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of rows `(n, d)`."""
        rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
        if self.levels:
            rows = expand_levels(rows, self.levels)
        if self.design is not None:
            rows = self.design.expand(rows)
        return choose_classes(rows @ self.weights.T + self.bias)


@dataclass(frozen=True, eq=False)
class WordSubstitute:
    """A linear copy over words: how often each stands in a text, weighed as the target does.

    Parameters
    ----------
    words
        The words that are known, `(d,)`.
    weights, bias
        `(k, d)` and `(k,)`; k = 1 is towards class 1.
    counts
        What a word that stands there twice counts, where once counts 1.
    scale
        Weight of each word among the others `(d,)`, up to a common factor (inverse document
        frequency); used where `normed`.
    normed
        Whether the features of a text are scaled to length 1.
    """

    words: tuple[str, ...]
    weights: Floats
    bias: Floats
    counts: float = 2.0
    scale: Floats | None = None
    normed: bool = False

    @property
    def parameters(self) -> Mapping[str, Any] | None:
        """Weights, bias and vocabulary; None where the weights inside a text are not known."""
        if self.normed and self.scale is None:
            return None
        vocabulary = np.array(self.words, dtype=object)
        return {"weights": self.weights, "bias": self.bias, "vocabulary": vocabulary}

    def predict(self, x: Inputs) -> Ints:
        """Return the classes `(n,)` of texts `(n,)`."""
        return choose_classes(self.margins(x))

    def margins(self, x: Inputs) -> Floats:
        """Return what is compared: `(n, k)`."""
        features = self.features(x)
        return np.asarray(features @ self.weights.T + self.bias)

    def features(self, x: Inputs) -> Any:
        """Weigh the words of texts `(n,)`, giving a sparse matrix `(n, d)`."""
        from scipy.sparse import diags_array

        found = count_words(x, self._place)
        if self.counts < 1.01:
            found.data[:] = 1.0
        elif self.counts < 1.99:
            found.data[:] = 1.0 + np.log(found.data)
        if self.scale is not None:
            found = (found @ diags_array(self.scale)).tocsr()
        if self.normed:
            length = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).reshape(-1))
            found = (diags_array(1 / np.where(length > 0, length, 1.0)) @ found).tocsr()
        return found

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return index_words(self.words)


def index_words(words: Sequence[str]) -> Mapping[str, int]:
    """Map each word to its place."""
    return {word: i for i, word in enumerate(words)}


def count_words(x: Inputs, place: Mapping[str, int]) -> Any:
    """Count the known words of texts `(n,)` in a sparse matrix `(n, d)`."""
    from scipy.sparse import csr_array

    rows = [[place[word] for word in terms(text) if word in place] for text in x]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    columns = np.array([column for row in rows for column in row], dtype=np.int64)
    found = csr_array((np.ones(len(columns)), columns, starts), shape=(len(rows), len(place)))
    found.sum_duplicates()
    return found


def choose_classes(margins: Floats) -> Ints:
    """Choose the class of the largest margin `(n, k)`; with one column, class 1 above 0."""
    if margins.shape[1] == 1:
        return (margins[:, 0] > 0).astype(np.int64)
    return np.asarray(margins.argmax(axis=1).astype(np.int64))
