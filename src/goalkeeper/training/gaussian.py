"""Gaussian naive Bayes and nearest centroids for N subsets, from means and variances of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.training.ensembles import Block, Together, linear, slices
from goalkeeper.training.features import TableSpace
from goalkeeper.training.moments import EPS, moments
from goalkeeper.training.paths import Job

Refit = Callable[[int], Target]


@dataclass(frozen=True, eq=False)
class Classes:
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
        apart = self.variances + np.square(self.means - mean)
        return np.asarray(np.einsum("cn,cdn->dn", share, apart))

    def within(self) -> Floats:
        """Variance `(d, N)` within classes, exactly 0 where a column is constant in all of them."""
        sizes, count = self.sizes, self.sizes.sum(axis=0)
        out = np.einsum("cn,cdn->dn", sizes, self.variances) / (count - len(sizes))
        noise = np.square(EPS * np.abs(self.means).max(axis=0)) * count
        return np.where(out <= noise, 0.0, out)


def classes_of(job: Job, space: TableSpace) -> Classes:
    """Take means and variances class by class."""
    rows = [np.flatnonzero(job.data.y == c) for c in range(len(job.classes))]
    found = [moments(space.matrix[r], job.masks[:, r]) for r in rows]
    sizes = np.stack([job.masks[:, r].sum(axis=1) for r in rows]).astype(np.float64)
    scale = space.lens(slice(0, len(job.masks))).scale
    ones = np.ones((space.matrix.shape[1], len(job.masks)))
    means, variances = (np.stack(parts) for parts in zip(*found, strict=True))
    return Classes(sizes, means, variances, ones if scale is None else scale)


# ---- Gaussian naive Bayes -----------------------------------------------------------------------


def fit_many(job: Job, refit: Refit) -> Together:
    """Train Gaussian naive Bayes on every subset; scores are those of scikit-learn to 1e-9.

    The log likelihood of a class is a quadratic in every column. It is expanded around the mean of
    the class in all records, so that hardly anything cancels.
    """
    space = TableSpace(job, job.masks)
    known = classes_of(job, space)
    square = np.square(known.scale)
    smooth = job.path.final.var_smoothing * (known.total * square).max(axis=0)
    spread = square * known.variances + smooth
    precision = square / spread
    centres = np.stack(
        [space.matrix[job.data.y == c].mean(axis=0) for c in range(len(known.sizes))]
    )
    offset = known.means - centres[:, :, None]
    constant = np.log(known.sizes / known.sizes.sum(axis=0))
    constant -= 0.5 * (np.log(2 * np.pi * spread) + precision * offset**2).sum(axis=1)

    def logits(x: Inputs) -> Iterator[tuple[int, Floats]]:
        rows = space.read(x, np.float64)
        for models in slices(len(job.masks), max(len(x), rows.shape[1]), len(centres)):
            out = np.empty((len(x), models.stop - models.start, len(centres)))
            for c, centre in enumerate(centres):
                away, weight = rows - centre, precision[c][:, models]
                part = away @ (weight * offset[c][:, models])
                part += np.square(away, out=away) @ (-0.5 * weight)
                out[:, :, c] = part + constant[c, models]
            yield models.start, contrasted(out)

    return Together(len(job.masks), len(centres), logits, refit)


def contrasted(logits: Floats) -> Floats:
    """Turn logits `(..., 2)` of two classes into one towards class 1; others stay."""
    return logits[..., 1:] - logits[..., :1] if logits.shape[-1] == 2 else logits


# ---- nearest centroids --------------------------------------------------------------------------


class Centroids:
    """Nearest centroids: plain distances give the labels, standardised ones the scores."""

    def __init__(self, scored: Together, labelled: Together, *, scores: bool) -> None:
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


def fit_many_centroids(job: Job, refit: Refit) -> Centroids:
    """Train nearest centroids on every subset; scores are those of scikit-learn to 1e-9."""
    space, final = TableSpace(job, job.masks), job.path.final
    known = classes_of(job, space)
    _check_spread(known.total > 0)
    within, square = known.within(), np.square(known.scale)
    weight = np.where(within > 0, 1 / np.where(within > 0, within, 1.0), square)
    uniform = getattr(final, "priors", "uniform") == "uniform"
    share = np.ones_like(known.sizes) if uniform else known.sizes
    share = share / share.sum(axis=0)
    prior = 2 * np.log(share)
    plain = np.isclose(share, 1 / len(share)).all(axis=0)  # scikit-learn looks at this, too

    def nearest(weight: Floats, prior: Floats) -> Together:
        weights = 2 * weight * known.means
        bias = prior - np.einsum("dn,cdn->cn", weight, np.square(known.means))
        return linear(space, blocks(weights, bias), len(job.classes), refit)

    scored = nearest(weight, prior)
    labelled = nearest(np.where(plain, square, weight), np.where(plain, 0.0, prior))
    return Centroids(scored, labelled, scores=hasattr(final, "predict_proba"))


def blocks(weights: Floats, bias: Floats) -> list[Block]:
    """Cut `weights (C, d, N)` and `bias (C, N)` into blocks of models."""
    ready = contrasted(weights.transpose(1, 2, 0))
    constant = contrasted(bias.T)
    return [
        Block(models.start, np.ascontiguousarray(ready[:, models]), constant[models])
        for models in slices(ready.shape[1], len(ready), ready.shape[2])
    ]


def _check_spread(spread: Bools) -> None:
    flat = np.asarray(~spread.any(axis=0))
    if flat.any():
        raise DataError(
            f"model {int(np.argmax(flat))} of {len(flat)}: all its records are equal; "
            "draw larger subsets"
        )
