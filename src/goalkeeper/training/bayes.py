"""Naive Bayes for N subsets: counts of all models in one sparse product `counts.T @ masks.T`.

Reference: Rennie, Shih, Teevan and Karger, Tackling the poor assumptions of naive Bayes text
classifiers, ICML 2003 (complement naive Bayes).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.training.dispatch import FitJob, Refit
from goalkeeper.training.ensembles import (
    BatchedEnsemble,
    Block,
    build_linear_ensemble,
    split_models,
)
from goalkeeper.training.features import FeatureSpace, TableSpace, TextSpace, check_vocabularies
from goalkeeper.training.subsets import SubsetFeatures

LARGEST_EXACT_FLOAT32 = 2**24  # whole numbers up to here are exact in float32


def fit_many(job: FitJob, refit: Refit) -> BatchedEnsemble:
    """Train naive Bayes on every subset of a job."""
    return train(job, build_space(job), refit)


def train(job: FitJob, space: FeatureSpace, refit: Refit) -> BatchedEnsemble:
    """Train on what was counted already."""
    check_vocabularies(space, len(job.masks))
    trainer = _BatchedCounts(job, space)
    width = space.matrix.shape[1]
    parts = split_models(len(job.masks), width, len(job.classes))
    blocks = [trainer.train_block(models) for models in parts]
    return build_linear_ensemble(space, blocks, len(job.classes), refit)


def build_space(job: FitJob) -> FeatureSpace:
    """Count the words of texts, or take a table's columns as counts; raises DataError."""
    presence = type(job.parts.final).__name__ == "BernoulliNB"
    if isinstance(job.domain, TextDomain):
        return TextSpace(job, job.masks, presence=presence)
    if not presence and float(np.asarray(job.data.x).min()) < 0:
        raise DataError(
            f"{type(job.parts.final).__name__} needs counts, but the smallest value is "
            f"{float(np.asarray(job.data.x).min()):g}; use GaussianNB, or give counts"
        )
    return TableSpace(job, job.masks, _to_presence if presence else _to_sparse)


def _to_sparse(rows: Floats) -> Any:
    from scipy.sparse import csr_array

    return csr_array(rows)


def _to_presence(rows: Floats) -> Any:
    return _to_sparse((rows > 0).astype(np.float64))


class _BatchedCounts:
    """Counts words class by class for a block of models, and applies the formula of the kind."""

    def __init__(self, job: FitJob, space: FeatureSpace) -> None:
        self._space, self._final, self._dtype = space, job.parts.final, job.dtype
        self._rows = [np.flatnonzero(job.data.y == c) for c in range(len(job.classes))]
        values = space.matrix.data
        whole = bool((values == np.round(values)).all())
        exact = whole and float(values.sum()) < LARGEST_EXACT_FLOAT32
        normed = space.features(slice(0, 1)).row_scale is not None
        # Sums of whole counts lose nothing in float32, which is faster.
        summed = np.float32 if exact and not normed else job.dtype
        self._counts = [space.matrix[r].T.tocsr().astype(summed) for r in self._rows]
        self._member = [np.ascontiguousarray(job.masks[:, r].T, dtype=summed) for r in self._rows]
        self._sizes = np.stack([m.sum(axis=0, dtype=np.float64) for m in self._member])
        self._formula = _FORMULAS[type(self._final).__name__]

    def train_block(self, models: slice) -> Block:
        """Train a block of models."""
        features = self._space.features(models, self._dtype)
        counts = np.stack([self._sum_features(features, models, c) for c in range(len(self._rows))])
        present: Any = self._space.present(models, counts.sum(axis=0))
        logs = self._formula(counts, present, self._sizes[:, models], self._final)
        if len(counts) == 2:  # one logit towards class 1 says the same
            logs = _LogWeights(*(a[1:] - a[:1] for a in (logs.weights, logs.words, logs.bias)))
        weights = logs.weights
        weights += logs.words.astype(self._dtype)[:, None, :]
        # A word outside the vocabulary has no weight; idf is folded into the others.
        weights *= present if features.scale is None else features.scale
        squares = None
        if features.row_scale is not None and features.scale is not None:
            squares = features.scale**2
        folded = weights[0][:, :, None] if len(weights) == 1 else weights.transpose(1, 2, 0).copy()
        return Block(models.start, folded, logs.bias.T.astype(self._dtype), squares)

    def _sum_features(self, features: SubsetFeatures, models: slice, c: int) -> Floats:
        """Sum the features of one class in every subset, `(d, B)`."""
        member = self._member[c][:, models]
        if features.row_scale is not None:
            member = member * features.row_scale[self._rows[c]]
        counts = np.asarray(self._counts[c] @ member).astype(self._dtype, copy=False)
        return counts if features.scale is None else counts * features.scale


# ---- the formulas: counts (C, d, B), which are used up, present (d, B), sizes (C, B) -------------


class _LogWeights(NamedTuple):
    """Log weights: of each word `(C, d, B)`, shared by all words `(C, B)`, and bias `(C, B)`."""

    weights: Floats
    words: Floats
    bias: Floats


def _log_prior(sizes: Floats, final: Any) -> Floats:
    if not final.fit_prior:
        return np.full(sizes.shape, -np.log(len(sizes)))
    return np.asarray(np.log(sizes) - np.log(sizes.sum(axis=0)))


def _multinomial(counts: Floats, present: Bools, sizes: Floats, final: Any) -> _LogWeights:
    # log((count + alpha) / (all counts + alpha * words)), with Lidstone's smoothing alpha.
    total = counts.sum(axis=1) + final.alpha * present.sum(axis=0)
    counts += final.alpha
    return _LogWeights(np.log(counts, out=counts), -np.log(total), _log_prior(sizes, final))


def _complement(counts: Floats, present: Bools, sizes: Floats, final: Any) -> _LogWeights:
    others = np.subtract(counts.sum(axis=0), counts, out=counts)
    total = np.log(others.sum(axis=1) + final.alpha * present.sum(axis=0))
    others += final.alpha
    logs, no_bias = np.log(others, out=others), np.zeros(sizes.shape)
    if not final.norm:
        return _LogWeights(np.negative(logs, out=logs), total, no_bias)
    # Weights are divided by their sum over the vocabulary, as the reference normalises them.
    words = present.sum(axis=0)
    weight_sum = np.einsum("cdb,db->cb", logs, present, dtype=np.float64) - total * words
    logs /= weight_sum.astype(logs.dtype)[:, None, :]
    return _LogWeights(logs, -total / weight_sum, no_bias)


def _bernoulli(counts: Floats, present: Bools, sizes: Floats, final: Any) -> _LogWeights:
    absent = sizes.astype(counts.dtype)[:, None, :] - counts
    absent += final.alpha
    counts += final.alpha
    # A word that is present counts log(p / (1 - p)), and all words together log(1 - p).
    weights, missing = np.log(counts, out=counts), np.log(absent, out=absent)
    weights -= missing
    bias = np.einsum("cdb,db->cb", missing, present, dtype=np.float64)
    bias -= np.log(sizes + 2 * final.alpha) * present.sum(axis=0)
    return _LogWeights(weights, np.zeros(sizes.shape), bias + _log_prior(sizes, final))


_FORMULAS = {
    "MultinomialNB": _multinomial,
    "ComplementNB": _complement,
    "BernoulliNB": _bernoulli,
}
