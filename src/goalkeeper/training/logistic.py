"""Logistic regression for N subsets, all at their optimum, warm started at that of all rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import TableDomain, TextDomain
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.ensembles import Block, LinearEnsemble, slices
from goalkeeper.training.features import Space, TableSpace, TextSpace, check_vocabularies
from goalkeeper.training.newton import Leading, Problem, minimise
from goalkeeper.training.paths import Job

DENSE = 1000  # up to this many columns of a table, the whole curvature is taken apart
RANK = 24  # directions of curvature kept otherwise


def fit_many(job: Job) -> LinearEnsemble:
    """Train logistic regression on every subset of a job."""
    return _Fitter(job).fit()


class _Fitter:
    """Everything one call shares; the model on all rows comes last, as number N."""

    def __init__(self, job: Job) -> None:
        self.job, self.models = job, len(job.masks)
        self.masks = np.concatenate([job.masks, np.ones((1, len(job.data)), dtype=bool)])
        text = isinstance(job.domain, TextDomain)
        self.space: Space = TextSpace(job, self.masks) if text else TableSpace(job, self.masks)
        check_vocabularies(self.space, self.models)
        self.k = 1 if len(job.classes) == 2 else len(job.classes)
        self.intercept = bool(job.path.final.fit_intercept)

    def fit(self) -> LinearEnsemble:
        """Train all models, block by block."""
        whole = slice(self.models, self.models + 1)
        width = int(self.space.matrix.shape[1])
        everything = self.problem(whole)
        nothing = np.zeros((width + 1, 1, self.k), dtype=self.job.dtype)
        leading = self.leading(everything, nothing)
        centre = minimise(everything, nothing, leading)
        leading = self.leading(everything, centre)
        blocks = [
            self.block(models, centre, leading, everything)
            for models in slices(self.models, max(width, len(self.job.data)), self.k)
        ]
        return LinearEnsemble(self.space, blocks, len(self.job.classes), self._rebuild(blocks))

    def block(self, models: slice, centre: Floats, leading: Leading, whole: Problem) -> Block:
        """Train a block of models."""
        problem = self.problem(models)
        lens = problem.lens
        share = problem.sample.sum(axis=0) / whole.sample.sum()
        inside = None if lens.scale is None else lens.scale != 0
        start = np.repeat(centre, len(share), axis=1)
        if inside is not None:
            start[:-1] *= inside[:, :, None]
        found = minimise(
            problem, start, Leading(leading.vectors, leading.values, share, inside), models.start
        )
        bias = found[-1] - found[-1].mean(axis=1, keepdims=True) if self.k > 1 else found[-1]
        weights, bias = lens.folded(found[:-1], bias)
        squares = None if lens.norm is None or lens.scale is None else lens.scale**2
        return Block(models.start, weights, bias, squares)

    def problem(self, models: slice) -> Problem:
        """Weigh every row in some of the models."""
        final, y, masks = self.job.path.final, self.job.data.y, self.masks[models]
        sample = masks.T * self.job.dtype(final.C)
        if final.class_weight == "balanced":
            counts = masks.astype(np.float64) @ np.eye(len(self.job.classes))[y]
            weight = masks.sum(axis=1, keepdims=True) / (counts.shape[1] * counts)
            sample *= weight.T[y]
        return Problem(self.space.lens(models), y, sample, self.k, self.intercept)

    def leading(self, whole: Problem, at: Floats) -> Leading:
        """Take the curvature on all rows apart."""
        chance = whole.probabilities(whole.logits(at))
        spread = (chance * (1 - chance)).mean(axis=2)[:, 0] * whole.sample[:, 0]
        dense = isinstance(self.space, TableSpace)
        if dense and len(at) <= DENSE:
            values, vectors = _whole_curvature(whole, spread)
        else:
            values, vectors = _leading_curvature(whole, spread, len(at))
        dtype = self.job.dtype
        values = np.maximum(values, 0.0).astype(dtype)
        return Leading(vectors.astype(dtype), values, np.ones(1, dtype=dtype), None)

    def _rebuild(self, blocks: list[Block]) -> Any:
        def rebuild(i: int) -> Target:
            block = next(b for b in blocks if b.start <= i < b.start + len(b))
            lens = self.space.lens(slice(i, i + 1))
            place = slice(i - block.start, i - block.start + 1)
            weights, bias = lens.unfolded(block.weights[:, place], block.bias[place])
            inside = self.space.inside(slice(i, i + 1))[:, 0]
            return ordinary(self.job, i, weights[inside, 0].T, bias[0])

        return rebuild


def _whole_curvature(whole: Problem, spread: Floats) -> tuple[Floats, Floats]:
    lens = whole.lens
    rows = lens.matrix if lens.shift is None else lens.matrix - lens.shift[:, 0]
    rows = rows if lens.scale is None else rows * lens.scale[:, 0]
    ones = np.full((len(rows), 1), float(whole.intercept))
    rows = np.concatenate([rows, ones], axis=1)
    values, vectors = np.linalg.eigh((rows * spread[:, None]).T @ rows)
    return values, vectors


def _leading_curvature(whole: Problem, spread: Floats, width: int) -> tuple[Floats, Floats]:
    from scipy.sparse.linalg import LinearOperator, eigsh

    single = Problem(whole.lens, whole.y, whole.sample, 1, whole.intercept)

    def times(vector: Any) -> Any:
        moved = single.logits(np.asarray(vector).reshape(-1, 1, 1)) * spread[:, None, None]
        return single.pull(moved).reshape(-1)

    rank = min(RANK, width // 4)
    if rank == 0:
        return np.empty(0), np.empty((width, 0))
    operator = LinearOperator((width, width), matvec=times, dtype=np.float64)
    values, vectors = eigsh(operator, k=rank, v0=np.ones(width), tol=0.05)
    return np.asarray(values), np.asarray(vectors)


def ordinary(job: Job, i: int, weights: Floats, bias: Floats) -> SklearnTarget:
    """Make an ordinary fitted scikit-learn model of the i-th one; `weights (k, d)`, `bias (k,)`."""
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    before, final = steps_of(job.estimator)
    rows = job.masks[i]
    final = clone(final)
    final.classes_ = np.unique(job.data.y[rows])
    final.coef_, final.intercept_ = weights.astype(np.float64), bias.astype(np.float64)
    final.n_iter_, final.n_features_in_ = np.array([0], dtype=np.int32), weights.shape[1]
    model = final
    if before:
        front = make_pipeline(*[clone(step) for step in before])
        front.fit(prepared(job.data.x[rows], job.domain), job.data.y[rows])
        model = make_pipeline(*[step for _, step in front.steps], final)
    elif isinstance(job.domain, TableDomain) and job.domain.named:
        final.feature_names_in_ = np.array([c.name for c in job.domain.columns], dtype=object)
    return SklearnTarget(model, job.classes, job.domain, indexed=True)
