"""Logistic regression for N subsets, all at their optimum, warm started at that of all rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.domain import TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.columns import ColumnSpace
from goalkeeper.training.curvature import FREE, Leading, steepest, taken_apart
from goalkeeper.training.ensembles import Block, Together, linear, slices
from goalkeeper.training.features import Lens, Space, TextSpace, check_vocabularies
from goalkeeper.training.losses import Problem
from goalkeeper.training.newton import Goal, minimise
from goalkeeper.training.paths import Job

DENSE = 1000  # up to this many columns of a table, the whole curvature is taken apart
FEW = 300  # up to this many, each step towards the model on all rows takes its own curvature
RANK = 12  # directions of curvature kept otherwise
ARRAYS = 8  # arrays as large as the logits that one block keeps
TOGETHER = {"sparse": 32, "dense": 128}  # models of a block, if memory allows
NEAR = Goal(logit=0.03, steps=30)  # the model on all rows is only where the others start
FAST = Goal(logit=1e-4, steps=12)  # in float32
FULL = Goal(logit=1e-7, steps=8, first=1e-3)  # with gradients in float64, from there
ROUNDING = 1e-5  # a model that stands still to that is as far as float64 gets
LAST = (20, 200)  # steps of what did not settle so far, from where it is and from nothing


def fit_many(job: Job) -> Together:
    """Train logistic regression on every subset of a job."""
    return train(job, space_of(job))


def space_of(job: Job) -> Space:
    """Read the texts or rows once, for all subsets and for the model on all rows."""
    masks = np.concatenate([job.masks, np.ones((1, len(job.data)), dtype=bool)])
    if isinstance(job.domain, TextDomain):
        return TextSpace(job, masks)
    return ColumnSpace(job, masks, biased=bool(job.path.final.fit_intercept))


def train(job: Job, space: Space) -> Together:
    """Train on what was read already; the last subset of `space` are all rows."""
    check_vocabularies(space, len(job.masks))
    return _Fitter(job, space).fit()


class _Fitter:
    """Everything one call shares; the model on all rows comes last, as number N."""

    def __init__(self, job: Job, space: Space) -> None:
        self.job, self.models, self.space = job, len(job.masks), space
        self.k = 1 if len(job.classes) == 2 else len(job.classes)
        self.dtype = job.dtype
        self.intercept = bool(job.path.final.fit_intercept)
        columns = int(space.matrix.shape[1])
        self.dense = isinstance(space.matrix, np.ndarray) and columns < DENSE

    def fit(self) -> Together:
        """Train all models, block by block."""
        leading, centre = self.centre()
        if self.rounding(centre) > FAST.logit:
            self.dtype = np.float64
        rows, width = len(self.job.data), int(self.space.matrix.shape[1])
        room = self.job.means.memory // (8 * ARRAYS * max(rows, width) * self.k)
        wanted = TOGETHER["dense" if isinstance(self.space.matrix, np.ndarray) else "sparse"]
        least = int(np.clip(room, 1, wanted))
        every = slices(self.models, max(rows, width), self.k, least=least)
        blocks = [self.block(models, centre, leading) for models in every]
        return linear(self.space, blocks, len(self.job.classes), self._rebuild(blocks))

    def centre(self) -> tuple[Leading, Floats]:
        """Find the model on all rows, roughly, and its curvature."""
        whole = self.problem(slice(self.models, self.models + 1), np.float32)
        at = np.zeros((self.space.matrix.shape[1] + 1, 1, self.k), dtype=np.float32)
        if self.dense and self.k == 1 and len(at) <= FEW:
            at = minimise(whole, whole, at, None, NEAR).unknowns
            return self.leading(whole, at), at
        for goal in (replace(NEAR, steps=2), NEAR):
            at = minimise(whole, whole, at, self.leading(whole, at), goal).unknowns
        return self.leading(whole, at), at

    def rounding(self, centre: Floats) -> float:
        """How far float32 may miss a logit of the model on all rows."""
        lens = self.space.lens(slice(self.models, self.models + 1), np.float32)
        terms = abs(lens.matrix) @ np.abs(lens.folded(centre[:-1], centre[-1])[0][:, 0])
        return float(np.nan_to_num(terms.max(), nan=np.inf) * np.finfo(np.float32).eps)

    def block(self, models: slice, centre: Floats, leading: Leading) -> Block:
        """Train a block of models."""
        lens = self.space.lens(models, self.dtype)
        share = self.job.masks[models].mean(axis=1)
        start = self.start(lens, centre, len(share))
        found = self.settled(models, start, replace(leading, share=share))
        if self.k > 1:  # what all classes share changes no probability, only the penalty
            found -= found.mean(axis=2, keepdims=True)
        weights, bias = lens.folded(found[:-1], found[-1])
        squares = None if lens.shrink is None or lens.scale is None else lens.scale**2
        return Block(models.start, weights, bias, squares)

    def start(self, lens: Lens, centre: Floats, models: int) -> Floats:
        """Let every model begin with the logits of the model on all rows."""
        whole = self.space.lens(slice(self.models, self.models + 1), self.dtype)
        folded = whole.folded(centre[:-1], centre[-1])
        weights, bias = lens.unfolded(*(np.repeat(a, models, axis=-2) for a in folded))
        return np.concatenate([weights, self.intercept * bias[None]])

    def settled(self, models: slice, start: Floats, leading: Leading) -> Floats:
        """Solve in float32, then more precisely where that is wanted or did not do."""
        rough, narrow = self.problem(models, np.float32), leading.cast(np.float32)
        with np.errstate(all="ignore"):  # what float32 cannot do is done again
            found, reached, _, near = minimise(rough, rough, start, narrow, FAST)
        goal = FAST
        if self.dtype is np.float64:
            exact, goal = self.problem(models, np.float64), FULL
            found = np.where(np.isfinite(found), found, start)
            with np.errstate(all="ignore"):
                found, reached, _, _ = minimise(exact, rough, found, near, goal)
        rest = np.flatnonzero(~reached)
        if len(rest):
            begin = np.where(np.isfinite(found), found, start)[:, rest]
            found[:, rest] = self.careful(models, rest, begin, leading.only(rest), goal)
        return found

    def careful(
        self, models: slice, rest: Ints, begin: Floats, leading: Leading, goal: Goal
    ) -> Floats:
        """Solve some of the models in float64 only, from where they are, and then from nothing.

        Raises
        ------
        DataError
            A model did not settle.
        """
        out, every = begin.astype(np.float64), self.problem(models, np.float64)
        left = np.arange(len(rest))
        for steps in LAST:
            own = replace(goal, steps=steps, close=ROUNDING, first=1e-2, loose=1e-2, tight=1e-4)
            problem, wide = every.only(rest[left]), leading.only(left).cast(np.float64)
            with np.errstate(all="ignore"):
                found, reached, far, _ = minimise(problem, problem, out[:, left], wide, own)
            out[:, left] = found
            left = left[~reached & ~(far < ROUNDING)]
            if len(left) == 0:
                return out
            out[:, left] = 0
        raise DataError(
            f"logistic regression of model {models.start + rest[left[0]]} did not settle in "
            f"{LAST[-1]} Newton steps; scale the columns (StandardScaler), or lower C"
        )

    def problem(self, models: slice, dtype: Any) -> Problem:
        """Weigh every row in some of the models."""
        lens, sample = self.space.lens(models, dtype), self.sample(models, dtype)
        return Problem(lens, self.job.data.y, sample, self.k, self.intercept)

    def sample(self, models: slice, dtype: Any) -> Floats:
        """Weight `(n, B)` of every row in some of the models."""
        final, y = self.job.path.final, self.job.data.y
        masks = self.job.masks[models]
        if models.start == self.models:
            masks = np.ones((1, len(y)), dtype=bool)
        sample = masks.T.astype(dtype, order="C")
        sample *= float(final.C)
        if final.class_weight == "balanced":
            counts = masks.astype(np.float64) @ np.eye(len(self.job.classes))[y]
            weight = masks.sum(axis=1, keepdims=True) / (counts.shape[1] * counts)
            sample *= weight.T.astype(dtype)[y]
        return sample

    def leading(self, whole: Problem, at: Floats) -> Leading:
        """Take the curvature on all rows apart."""
        chance = whole.gradient(at, whole.logits(at))[1]
        spread = chance[:, 0, 0]
        if self.k > 1:
            spread = (chance * (1 - chance)).mean(axis=2)[:, 0] * whole.sample[:, 0]
        if self.dense:
            return taken_apart(whole.lens, spread, intercept=self.intercept)
        single, curved = replace(whole, k=1), spread[:, None, None]
        stretch = np.ones((len(at), 1), dtype=at.dtype)
        stretch[-1] = FREE**-0.5

        def times(vectors: Floats) -> Floats:
            moved = vectors.astype(at.dtype) * stretch
            bent = single.hessian(moved[:, None, :], curved)[:, 0]
            bent[:-1] -= moved[:-1]
            return np.asarray(bent * stretch)

        return steepest(times, len(at), RANK)

    def _rebuild(self, blocks: list[Block]) -> Any:
        def rebuild(i: int) -> Target:
            block = next(b for b in blocks if b.start <= i < b.start + len(b))
            lens = self.space.lens(slice(i, i + 1))
            place = slice(i - block.start, i - block.start + 1)
            weights, bias = block.weights[:, place], block.bias[place]
            if lens.origin is not None:
                bias = bias - np.einsum("d,dbk->bk", lens.origin, weights)
            weights, bias = lens.unfolded(weights, bias)
            inside = self.space.inside(slice(i, i + 1))[:, 0]
            return ordinary(self.job, i, weights[inside, 0].T, bias[0])

        return rebuild


def ordinary(job: Job, i: int, weights: Floats, bias: Floats) -> SklearnTarget:
    """Make an ordinary fitted scikit-learn model of the i-th one; `weights (k, d)`, `bias (k,)`."""
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    before, final = steps_of(job.estimator)
    rows = job.masks[i]
    final = clone(final)
    final.classes_ = np.unique(job.data.y[rows])
    final.coef_, final.intercept_ = weights.copy(), bias.copy()
    final.n_iter_, final.n_features_in_ = np.array([0], dtype=np.int32), weights.shape[1]
    model = final
    if before:
        front = make_pipeline(*[clone(step) for step in before])
        front.fit(prepared(job.data.x[rows], job.domain), job.data.y[rows])
        model = make_pipeline(*[step for _, step in front.steps], final)
    elif isinstance(job.domain, TableDomain) and job.domain.named:
        final.feature_names_in_ = np.array([c.name for c in job.domain.columns], dtype=object)
    return SklearnTarget(model, job.classes, job.domain, indexed=True)
