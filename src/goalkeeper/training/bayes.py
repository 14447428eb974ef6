"""Naive Bayes for N subsets: counts of all models in one sparse product `counts.T @ masks.T`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.training.ensembles import Block, LinearEnsemble, slices
from goalkeeper.training.features import Lens, Space, TableSpace, TextSpace, check_vocabularies
from goalkeeper.training.paths import Job

EXACT = 2**24  # whole numbers up to here are exact in float32


def fit_many(job: Job, refit: Callable[[int], Target]) -> LinearEnsemble:
    """Train naive Bayes on every subset of a job; `refit(i)` trains one ordinary target."""
    return train(job, space_of(job), refit)


def train(job: Job, space: Space, refit: Callable[[int], Target]) -> LinearEnsemble:
    """Train on what was counted already."""
    check_vocabularies(space, len(job.masks))
    trainer = _Counter(job, space)
    width = space.matrix.shape[1]
    blocks = [trainer.block(models) for models in slices(len(job.masks), width)]
    return LinearEnsemble(space, blocks, len(job.classes), refit)


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
        self._space, self._final, self._masks = space, job.path.final, job.masks
        self._floats = job.dtype
        self._rows = [np.flatnonzero(job.data.y == c) for c in range(len(job.classes))]
        values = space.matrix.data
        whole = bool((values == np.round(values)).all()) and float(values.sum()) < EXACT
        normed = space.lens(slice(0, 1)).norm is not None
        self._dtype: Any = np.float32 if whole and not normed else job.dtype
        self._counts = [space.matrix[r].T.tocsr().astype(self._dtype) for r in self._rows]
        self._formula = _FORMULAS[type(self._final).__name__]

    def block(self, models: slice) -> Block:
        """Train a block of models."""
        lens = self._space.lens(models)
        member = np.ascontiguousarray(self._masks[models].T)
        counts = np.stack([self._count(lens, member, c) for c in range(len(self._rows))])
        inside: Any = self._space.inside(models, counts.sum(axis=0))
        sizes = np.stack([member[r].sum(axis=0) for r in self._rows])
        weights, bias = self._formula(counts, inside, sizes.astype(self._floats), self._final)
        if len(weights) == 2:
            weights, bias = weights[1:] - weights[:1], bias[1:] - bias[:1]
        weights *= inside if lens.scale is None else lens.scale
        squares = None if lens.norm is None or lens.scale is None else lens.scale**2
        ready = np.ascontiguousarray(weights.transpose(1, 2, 0), dtype=self._floats)
        return Block(models.start, ready, bias.T.astype(self._floats), squares)

    def _count(self, lens: Lens, member: Bools, c: int) -> Floats:
        """Sum the features of one class in every subset, `(d, B)`; `member` is `(rows, B)`."""
        share = member[self._rows[c]].astype(self._dtype)
        if lens.norm is not None:
            share /= lens.norm[self._rows[c]]
        counts = np.asarray(self._counts[c] @ share, dtype=self._floats)
        return counts if lens.scale is None else counts * lens.scale


# ---- the formulas: counts (C, d, B), inside (d, B), sizes (C, B) -> weights (C, d, B), bias (C, B)


def _prior(sizes: Floats, final: Any) -> Floats:
    if not final.fit_prior:
        return np.full(sizes.shape, -np.log(len(sizes)))
    return np.asarray(np.log(sizes) - np.log(sizes.sum(axis=0)))


def _multinomial(counts: Floats, inside: Bools, sizes: Floats, final: Any) -> tuple[Floats, Floats]:
    total = counts.sum(axis=1) + final.alpha * inside.sum(axis=0)
    counts += final.alpha
    weights = np.log(counts, out=counts)
    weights -= np.log(total)[:, None, :]
    return weights, _prior(sizes, final)


def _complement(counts: Floats, inside: Bools, sizes: Floats, final: Any) -> tuple[Floats, Floats]:
    others = counts.sum(axis=0) - counts
    total = others.sum(axis=1) + final.alpha * inside.sum(axis=0)
    logs = np.log(others + final.alpha) - np.log(total)[:, None, :]
    weights = logs / (logs * inside).sum(axis=1)[:, None, :] if final.norm else -logs
    return weights, np.zeros(sizes.shape)


def _bernoulli(counts: Floats, inside: Bools, sizes: Floats, final: Any) -> tuple[Floats, Floats]:
    present = np.log(counts + final.alpha) - np.log(sizes + 2 * final.alpha)[:, None, :]
    absent = np.log1p(-np.exp(present))
    return present - absent, _prior(sizes, final) + (absent * inside).sum(axis=1)


_FORMULAS = {
    "MultinomialNB": _multinomial,
    "ComplementNB": _complement,
    "BernoulliNB": _bernoulli,
}
