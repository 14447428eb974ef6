"""Naive Bayes for N subsets: counts of all models in one sparse product `counts.T @ masks.T`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.training.ensembles import Block, Together, linear, slices
from goalkeeper.training.features import Lens, Space, TableSpace, TextSpace, check_vocabularies
from goalkeeper.training.paths import Job

EXACT = 2**24  # whole numbers up to here are exact in float32


def fit_many(job: Job, refit: Callable[[int], Target]) -> Together:
    """Train naive Bayes on every subset of a job; `refit(i)` trains one ordinary target."""
    return train(job, space_of(job), refit)


def train(job: Job, space: Space, refit: Callable[[int], Target]) -> Together:
    """Train on what was counted already."""
    check_vocabularies(space, len(job.masks))
    trainer = _Counter(job, space)
    width = space.matrix.shape[1]
    every = slices(len(job.masks), width, len(job.classes))
    blocks = [trainer.block(models) for models in every]
    return linear(space, blocks, len(job.classes), refit)


def space_of(job: Job) -> Space:
    """Count the words of texts, or take a table's columns as counts; raises DataError."""
    presence = type(job.path.final).__name__ == "BernoulliNB"
    if isinstance(job.domain, TextDomain):
        return TextSpace(job, job.masks, presence=presence)
    if not presence and float(np.asarray(job.data.x).min()) < 0:
        raise DataError(
            f"{type(job.path.final).__name__} needs counts, but the smallest value is "
            f"{float(np.asarray(job.data.x).min()):g}; use GaussianNB, or give counts"
        )
    return TableSpace(job, job.masks, _present if presence else _sparse)


def _sparse(rows: Floats) -> Any:
    from scipy.sparse import csr_array

    return csr_array(rows)


def _present(rows: Floats) -> Any:
    return _sparse((rows > 0).astype(np.float64))


class _Counter:
    """Counts words class by class for a block of models, and applies the formula of the kind."""

    def __init__(self, job: Job, space: Space) -> None:
        self._space, self._final, self._dtype = space, job.path.final, job.dtype
        self._rows = [np.flatnonzero(job.data.y == c) for c in range(len(job.classes))]
        values = space.matrix.data
        whole = bool((values == np.round(values)).all()) and float(values.sum()) < EXACT
        normed = space.lens(slice(0, 1)).shrink is not None
        summed = np.float32 if whole and not normed else job.dtype
        self._counts = [space.matrix[r].T.tocsr().astype(summed) for r in self._rows]
        self._member = [np.ascontiguousarray(job.masks[:, r].T, dtype=summed) for r in self._rows]
        self._sizes = np.stack([m.sum(axis=0, dtype=np.float64) for m in self._member])
        self._formula = _FORMULAS[type(self._final).__name__]

    def block(self, models: slice) -> Block:
        """Train a block of models."""
        lens = self._space.lens(models, self._dtype)
        counts = np.stack([self._count(lens, models, c) for c in range(len(self._rows))])
        inside: Any = self._space.inside(models, counts.sum(axis=0))
        found = self._formula(counts, inside, self._sizes[:, models], self._final)
        if len(counts) == 2:
            found = _Scores(*(a[1:] - a[:1] for a in (found.weights, found.words, found.bias)))
        weights, words = found.weights, found.words.astype(self._dtype)
        weights += words[:, None, :]
        weights *= inside if lens.scale is None else lens.scale
        squares = None if lens.shrink is None or lens.scale is None else lens.scale**2
        ready = weights[0][:, :, None] if len(weights) == 1 else weights.transpose(1, 2, 0).copy()
        return Block(models.start, ready, found.bias.T.astype(self._dtype), squares)

    def _count(self, lens: Lens, models: slice, c: int) -> Floats:
        """Sum the features of one class in every subset, `(d, B)`."""
        share = self._member[c][:, models]
        share = share if lens.shrink is None else share * lens.shrink[self._rows[c]]
        counts = np.asarray(self._counts[c] @ share).astype(self._dtype, copy=False)
        return counts if lens.scale is None else counts * lens.scale


# ---- the formulas: counts (C, d, B), which are used up, inside (d, B), sizes (C, B) -------------


class _Scores(NamedTuple):
    """Weight `(C, d, B)` of each word, the same for all words `(C, B)`, and bias `(C, B)`."""

    weights: Floats
    words: Floats
    bias: Floats


def _prior(sizes: Floats, final: Any) -> Floats:
    if not final.fit_prior:
        return np.full(sizes.shape, -np.log(len(sizes)))
    return np.asarray(np.log(sizes) - np.log(sizes.sum(axis=0)))


def _multinomial(counts: Floats, inside: Bools, sizes: Floats, final: Any) -> _Scores:
    total = counts.sum(axis=1) + final.alpha * inside.sum(axis=0)
    counts += final.alpha
    return _Scores(np.log(counts, out=counts), -np.log(total), _prior(sizes, final))


def _complement(counts: Floats, inside: Bools, sizes: Floats, final: Any) -> _Scores:
    others = np.subtract(counts.sum(axis=0), counts, out=counts)
    total = np.log(others.sum(axis=1) + final.alpha * inside.sum(axis=0))
    others += final.alpha
    logs, nothing = np.log(others, out=others), np.zeros(sizes.shape)
    if not final.norm:
        return _Scores(np.negative(logs, out=logs), total, nothing)
    words = inside.sum(axis=0)
    whole = np.einsum("cdb,db->cb", logs, inside, dtype=np.float64) - total * words
    logs /= whole.astype(logs.dtype)[:, None, :]
    return _Scores(logs, -total / whole, nothing)


def _bernoulli(counts: Floats, inside: Bools, sizes: Floats, final: Any) -> _Scores:
    absent = sizes.astype(counts.dtype)[:, None, :] - counts
    absent += final.alpha
    counts += final.alpha
    weights, missing = np.log(counts, out=counts), np.log(absent, out=absent)
    weights -= missing
    bias = np.einsum("cdb,db->cb", missing, inside, dtype=np.float64)
    bias -= np.log(sizes + 2 * final.alpha) * inside.sum(axis=0)
    return _Scores(weights, np.zeros(sizes.shape), bias + _prior(sizes, final))


_FORMULAS = {
    "MultinomialNB": _multinomial,
    "ComplementNB": _complement,
    "BernoulliNB": _bernoulli,
}
