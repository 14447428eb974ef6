"""Regions of texts: how often a text has words, or how much they weigh in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError


@dataclass(frozen=True, eq=False, kw_only=True)
class WordWeights:
    """How words of a vocabulary are counted and weighed, as the usual vectorisers do.

    Parameters
    ----------
    words
        The vocabulary `(d,)`; of several words where there are spaces.
    binary
        Whether only presence counts.
    idf
        Inverse document frequencies `(d,)`; None: words are counted and not weighed.
    norm
        `"l1"`, `"l2"`, or None: what the weights of a text are divided by.
    sublinear
        Whether a count is replaced by 1 + its logarithm.
    """

    words: tuple[str, ...]
    binary: bool = False
    idf: Floats | None = None
    norm: str | None = None
    sublinear: bool = False

    def weigh(self, texts: Inputs) -> Any:
        """Return the weights of the words in each text, a sparse matrix `(n, d)` by columns."""
        from scipy.sparse import csc_array, csr_array
        from sklearn.feature_extraction.text import CountVectorizer

        longest = max((word.count(" ") + 1 for word in self.words), default=1)
        reader = CountVectorizer(
            vocabulary=list(self.words), ngram_range=(1, longest), binary=self.binary
        )
        found = csr_array(reader.transform(texts), dtype=np.float64)
        found = _reweigh(found, self.idf, self.norm, sublinear=self.sublinear)
        # Trees compare in single precision.
        return csc_array(found, dtype=np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class HashedWeights:
    """How words are hashed to numbers, counted and weighed, as the usual vectoriser does.

    Parameters
    ----------
    hashing
        Settings of `sklearn.feature_extraction.text.HashingVectorizer`.
    columns
        The numbers `(d,)` that claims are about.
    idf, norm, sublinear
        As of `WordWeights`, after the hashing; idf of all numbers.
    """

    hashing: Mapping[str, Any]
    columns: Ints
    idf: Floats | None = None
    norm: str | None = None
    sublinear: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What stands for the words that are hashed to each number."""
        return tuple(f"#{j}" for j in self.columns.tolist())

    def weigh(self, texts: Inputs) -> Any:
        """Return the weights of these numbers in each text, a sparse matrix `(n, d)` by columns."""
        from scipy.sparse import csc_array, csr_array
        from sklearn.feature_extraction.text import HashingVectorizer

        found = csr_array(HashingVectorizer(**self.hashing).transform(texts), dtype=np.float64)
        found = _reweigh(found, self.idf, self.norm, sublinear=self.sublinear)
        return csc_array(csc_array(found)[:, self.columns], dtype=np.float32)


def _reweigh(found: Any, idf: Floats | None, norm: str | None, *, sublinear: bool) -> Any:
    """Weigh counts `(n, d)` by how rare each word is, and divide by the norm of each text."""
    from scipy.sparse import csr_array
    from sklearn.preprocessing import normalize

    if sublinear:
        found.data = 1 + np.log(found.data)
    if idf is not None:
        found = csr_array(found.multiply(idf[None, :]))
    return found if norm is None else normalize(found, norm=norm)


@dataclass(frozen=True, eq=False, kw_only=True)
class WordRegions:
    """Claims that exactly one training text has words in these numbers, and a class.

    Parameters
    ----------
    weights
        How words are counted.
    bounds
        For each claim `(above, up to)` of the words that it is about.
    classes
        The class of the claimed text `(m,)`; -1 where no class is claimed.
    """

    weights: WordWeights | HashedWeights
    bounds: tuple[Mapping[str, tuple[float, float]], ...]
    classes: Ints

    def __len__(self) -> int:
        return len(self.bounds)

    def without_repeated(self) -> WordRegions:
        """Keep the first of equal claims.

        Raises
        ------
        DataError
            There is not a class for each claim, or a word is not in the vocabulary.
        """
        if len(self.bounds) != len(self.classes):
            raise DataError(f"{len(self.bounds)} regions of words, {len(self.classes)} classes")
        if not set(self.weights.words).issuperset(
            word for bounds in self.bounds for word in bounds
        ):
            raise DataError("regions are about words of the vocabulary that they name")
        keys = [
            (frozenset(bounds.items()), int(label))
            for bounds, label in zip(self.bounds, self.classes, strict=True)
        ]
        rows = sorted({key: i for i, key in reversed(list(enumerate(keys)))}.values())
        return replace(
            self, bounds=tuple(self.bounds[i] for i in rows), classes=np.asarray(self.classes)[rows]
        )

    def find_rows(self, data: Data) -> Iterable[list[int]]:
        """Yield the rows of the texts in each region."""
        matrix = self.weights.weigh(data.x)
        place = {word: j for j, word in enumerate(self.weights.words)}
        for bounds, label in zip(self.bounds, self.classes, strict=True):
            inside = (data.y == label) | (label < 0)
            for word, (low, high) in bounds.items():
                weight = matrix[:, [place[word]]].toarray()[:, 0]
                inside &= (weight > low) & (weight <= high)
            yield np.flatnonzero(inside).tolist()

    def describe(self, i: int) -> str:
        """Name the words that a text must have, and those that it must not have."""
        present = sorted(word for word, (low, _) in self.bounds[i].items() if low >= 0)
        absent = sorted(word for word, (low, _) in self.bounds[i].items() if low < 0)
        without = f", without {' '.join(absent[:30])}" if absent else ""
        return f"with {' '.join(present[:30])}{without}"
