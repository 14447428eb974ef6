"""Gaussian naive Bayes and nearest centroids for N subsets, from means and variances of classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.training.dispatch import FitJob, Refit
from goalkeeper.training.ensembles import (
    BatchedEnsemble,
    Block,
    build_linear_ensemble,
    split_models,
)
from goalkeeper.training.features import TableSpace
from goalkeeper.training.moments import FLOAT64_EPSILON, compute_moments


@dataclass(frozen=True, eq=False)
class ClassMoments:
    """Sizes `(C, N)`, means and variances `(C, d, N)` of the classes in every subset.

    They are those of the shared matrix; `scale (d, N)` turns its columns into the features.
    """

    sizes: Floats
    means: Floats
    variances: Floats
    scale: Floats

    @property
    def total(self) -> Floats:
        """Variance `(d, N)` of every column in every subset, all classes together."""
        share = self.sizes / self.sizes.sum(axis=0)
        mean = np.einsum("cn,cdn->dn", share, self.means)
        around_mean = self.variances + np.square(self.means - mean)
        return np.asarray(np.einsum("cn,cdn->dn", share, around_mean))

    def within(self) -> Floats:
        """Variance `(d, N)` within classes, exactly 0 where a column is constant in all of them."""
        sizes, count = self.sizes, self.sizes.sum(axis=0)
        out = np.einsum("cn,cdn->dn", sizes, self.variances) / (count - len(sizes))
        # What rounding leaves of a constant: a part in 2**52 of its mean a record, squared.
        noise = np.square(FLOAT64_EPSILON * np.abs(self.means).max(axis=0)) * count
        return np.where(out <= noise, 0.0, out)


def compute_class_moments(job: FitJob, space: TableSpace) -> ClassMoments:
    """Compute means and variances class by class."""
    rows = [np.flatnonzero(job.data.y == c) for c in range(len(job.classes))]
    moments_of_classes = [compute_moments(space.matrix[r], job.masks[:, r]) for r in rows]
    sizes = np.stack([job.masks[:, r].sum(axis=1) for r in rows]).astype(np.float64)
    scale = space.features(slice(0, len(job.masks))).scale
    ones = np.ones((space.matrix.shape[1], len(job.masks)))
    means, variances = (np.stack(parts) for parts in zip(*moments_of_classes, strict=True))
    return ClassMoments(sizes, means, variances, ones if scale is None else scale)


# ---- Gaussian naive Bayes -----------------------------------------------------------------------


def fit_many(job: FitJob, refit: Refit) -> BatchedEnsemble:
    """Train Gaussian naive Bayes on every subset; scores are those of scikit-learn to 1e-9.

    The log likelihood of a class is a quadratic in every column. It is expanded around the mean of
    the class in all records, so that hardly anything cancels.
    """
    space = TableSpace(job, job.masks)
    class_moments = compute_class_moments(job, space)
    square = np.square(class_moments.scale)
    # As scikit-learn: a share of the largest variance of a column is added to all.
    smoothing = job.parts.final.var_smoothing * (class_moments.total * square).max(axis=0)
    variance = square * class_moments.variances + smoothing
    precision = square / variance
    centres = np.stack(
        [space.matrix[job.data.y == c].mean(axis=0) for c in range(len(class_moments.sizes))]
    )
    offset = class_moments.means - centres[:, :, None]
    constant = np.log(class_moments.sizes / class_moments.sizes.sum(axis=0))
    constant -= 0.5 * (np.log(2 * np.pi * variance) + precision * offset**2).sum(axis=1)

    def logits(x: Inputs) -> Iterator[tuple[int, Floats]]:
        rows = space.read(x, np.float64)
        for models in split_models(len(job.masks), max(len(x), rows.shape[1]), len(centres)):
            out = np.empty((len(x), models.stop - models.start, len(centres)))
            for c, centre in enumerate(centres):
                centred, weight = rows - centre, precision[c][:, models]
                part = centred @ (weight * offset[c][:, models])
                part += np.square(centred, out=centred) @ (-0.5 * weight)
                out[:, :, c] = part + constant[c, models]
            yield models.start, contrast_two_classes(out)

    return BatchedEnsemble(len(job.masks), len(centres), logits, refit)


def contrast_two_classes(logits: Floats) -> Floats:
    """Turn logits `(..., 2)` of two classes into one towards class 1; leave those of more."""
    return logits[..., 1:] - logits[..., :1] if logits.shape[-1] == 2 else logits


# ---- nearest centroids --------------------------------------------------------------------------


class NearestCentroids:
    """Nearest centroids: plain distances give the labels, standardised ones the scores."""

    def __init__(self, scored: BatchedEnsemble, labelled: BatchedEnsemble, *, scores: bool) -> None:
        self._scored, self._labelled, self._scores = scored, labelled, scores

    def __len__(self) -> int:
        return len(self._scored)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`; raises NotOffered where scikit-learn has none."""
        if not self._scores:
            raise NotOffered("NearestCentroid has no scores before scikit-learn 1.6")
        return self._scored.scores(x)

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return self._labelled.labels(x)

    def target(self, i: int) -> Target:
        """Return the i-th target: an ordinary fitted scikit-learn model."""
        return self._scored.target(i)


def fit_many_centroids(job: FitJob, refit: Refit) -> NearestCentroids:
    """Train nearest centroids on every subset; scores are those of scikit-learn to 1e-9.

    The squared distance `(x - mean)**2` is expanded; what it has of x alone is the same for all
    classes and left out, so that the rest is linear.
    """
    space, final = TableSpace(job, job.masks), job.parts.final
    class_moments = compute_class_moments(job, space)
    _check_variance(class_moments.total > 0)
    within, square = class_moments.within(), np.square(class_moments.scale)
    weight = np.where(within > 0, 1 / np.where(within > 0, within, 1.0), square)
    uniform = getattr(final, "priors", "uniform") == "uniform"
    share = np.ones_like(class_moments.sizes) if uniform else class_moments.sizes
    share = share / share.sum(axis=0)
    prior = 2 * np.log(share)
    # Scikit-learn labels by plain distances where all classes are equally likely.
    uniform_prior = np.isclose(share, 1 / len(share)).all(axis=0)

    def build_nearest(weight: Floats, prior: Floats) -> BatchedEnsemble:
        weights = 2 * weight * class_moments.means
        bias = prior - np.einsum("dn,cdn->cn", weight, np.square(class_moments.means))
        return build_linear_ensemble(space, build_blocks(weights, bias), len(job.classes), refit)

    scored = build_nearest(weight, prior)
    plain_weight = np.where(uniform_prior, square, weight)
    labelled = build_nearest(plain_weight, np.where(uniform_prior, 0.0, prior))
    return NearestCentroids(scored, labelled, scores=hasattr(final, "predict_proba"))


def build_blocks(weights: Floats, bias: Floats) -> list[Block]:
    """Cut `weights (C, d, N)` and `bias (C, N)` into blocks of models."""
    by_model = contrast_two_classes(weights.transpose(1, 2, 0))
    bias_by_model = contrast_two_classes(bias.T)
    width, models, classes = by_model.shape
    return [
        Block(part.start, np.ascontiguousarray(by_model[:, part]), bias_by_model[part])
        for part in split_models(models, width, classes)
    ]


def _check_variance(varies: Bools) -> None:
    """Refuse subsets in which no column `(d, N)` varies; raises DataError."""
    constant = np.asarray(~varies.any(axis=0))
    if constant.any():
        raise DataError(
            f"model {int(np.argmax(constant))} of {len(constant)}: all its records are equal; "
            "draw larger subsets"
        )
