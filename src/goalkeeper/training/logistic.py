"""Logistic regression for N subsets, all at their optimum, warm started at that of all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.checks import count_classes
from goalkeeper.training.columns import ColumnSpace
from goalkeeper.training.dispatch import FitJob
from goalkeeper.training.ensembles import (
    FLOAT64_BYTES,
    BatchedEnsemble,
    Block,
    build_linear_ensemble,
    split_models,
)
from goalkeeper.training.features import FeatureSpace, TextSpace, check_vocabularies
from goalkeeper.training.losses import LogisticProblem
from goalkeeper.training.newton import StoppingRule, minimise
from goalkeeper.training.preconditioner import (
    BIAS_PENALTY,
    SharedPreconditioner,
    decompose_curvature,
    find_steepest,
)
from goalkeeper.training.subsets import SubsetFeatures

# Columns of a table below which the curvature of the model on all rows is decomposed completely:
# that takes their third power, about a second at 1,000, once for all models.
MAX_DECOMPOSED_COLUMNS = 1000
# Unknowns up to which the model on all rows is found with its own curvature at every step: summing
# it is then cheaper than steps of conjugate gradients.
MAX_UNSHARED_UNKNOWNS = 300
STEEPEST_DIRECTIONS = 12  # of the curvature that are kept where it is not decomposed completely
BLOCK_ARRAYS = 8  # as large as the logits that one block keeps: they must fit into the memory
# Models of a block, if memory allows: enough that a product pays, and few enough that their arrays
# stay in the cache.
BLOCK_MODELS = {"sparse": 32, "dense": 128}
# The model on all rows is only where the others start, and what they are preconditioned with.
CENTRE_RULE = StoppingRule(logit_error=0.03, max_steps=30)
# In float32: scores of `fast` may differ by 1e-4, and a probability moves by a quarter of a logit.
FLOAT32_RULE = StoppingRule(logit_error=1e-4, max_steps=12)
# From there with gradients in float64: scores of `full` may differ by 1e-6. The first step is a
# small one already, so that it pays to solve it precisely.
FLOAT64_RULE = StoppingRule(logit_error=1e-7, max_steps=8, first_accuracy=1e-3)
# What did not settle so far is solved in float64 only: from where it is, and then from nothing.
CAREFUL_MAX_STEPS = (20, 200)
# A model that stands still to 1e-5 of a logit is as far as float64 gets. Systems are solved ten to
# a hundred times more precisely than usual, since it was precision that failed.
CAREFUL_RULE = StoppingRule(
    logit_error=FLOAT64_RULE.logit_error,
    max_steps=CAREFUL_MAX_STEPS[-1],
    rounding_change=1e-5,
    first_accuracy=1e-2,
    loosest_accuracy=1e-2,
    tightest_accuracy=1e-4,
)


def fit_many(job: FitJob) -> BatchedEnsemble:
    """Train logistic regression on every subset of a job."""
    return train(job, build_space(job))


def build_space(job: FitJob) -> FeatureSpace:
    """Read the texts or rows once, for all subsets and for the model on all rows."""
    masks = np.concatenate([job.masks, np.ones((1, len(job.data)), dtype=bool)])
    if isinstance(job.domain, TextDomain):
        return TextSpace(job, masks)
    return ColumnSpace(job, masks, with_bias=bool(job.parts.final.fit_intercept))


def train(job: FitJob, space: FeatureSpace) -> BatchedEnsemble:
    """Train on what was read already; the last subset of `space` are all rows."""
    check_vocabularies(space, len(job.masks))
    return _BatchedLogistic(job, space).fit()


class _BatchedLogistic:
    """Everything one call shares; the model on all rows comes last, as number N."""

    def __init__(self, job: FitJob, space: FeatureSpace) -> None:
        self.job, self.models, self.space = job, len(job.masks), space
        self.all_rows = slice(self.models, self.models + 1)
        self.k = 1 if len(job.classes) == 2 else len(job.classes)
        self.dtype = job.dtype
        self.intercept = bool(job.parts.final.fit_intercept)
        self.width = int(space.matrix.shape[1]) - getattr(space, "marks", 0)
        self.dense = isinstance(space.matrix, np.ndarray)
        self.decomposed = self.dense and self.width < MAX_DECOMPOSED_COLUMNS

    def fit(self) -> BatchedEnsemble:
        """Train all models, block by block."""
        preconditioner, centre = self.fit_centre()
        if self.float32_error(centre) > FLOAT32_RULE.logit_error:
            self.dtype = np.float64
        rows, width = len(self.job.data), int(self.space.matrix.shape[1])
        bytes_a_model = FLOAT64_BYTES * BLOCK_ARRAYS * max(rows, width) * self.k
        room = self.job.compute.memory // bytes_a_model
        min_models = int(np.clip(room, 1, BLOCK_MODELS["dense" if self.dense else "sparse"]))
        parts = split_models(self.models, max(rows, width), self.k, min_models=min_models)
        blocks = [self.fit_block(models, centre, preconditioner) for models in parts]
        classes = len(self.job.classes)
        return build_linear_ensemble(self.space, blocks, classes, self._rebuild(blocks))

    def fit_centre(self) -> tuple[SharedPreconditioner, Floats]:
        """Find the model on all rows, roughly, and its curvature."""
        problem = self.problem(self.all_rows, np.float32)
        at: Any = np.zeros((self.width + 1, 1, self.k), dtype=np.float32)
        if self.decomposed and self.k == 1 and len(at) <= MAX_UNSHARED_UNKNOWNS:
            at = minimise(problem, problem, at, None, CENTRE_RULE).unknowns
            return self.shared_preconditioner(problem, at), at
        # Two steps with the curvature at 0, which is far from that at the optimum, and then anew.
        for rule in (replace(CENTRE_RULE, max_steps=2), CENTRE_RULE):
            preconditioner = self.shared_preconditioner(problem, at)
            at = minimise(problem, problem, at, preconditioner, rule).unknowns
        return self.shared_preconditioner(problem, at), at

    def float32_error(self, centre: Floats) -> float:
        """Bound how far float32 may miss a logit of the model on all rows.

        One rounding of the sum of what its terms are without their signs.
        """
        features = self.space.features(self.all_rows, np.float32)
        weights, _ = features.fold(centre[:-1], centre[-1])
        terms = abs(features.matrix) @ np.abs(weights[:, 0])
        return float(np.nan_to_num(terms.max(), nan=np.inf) * np.finfo(np.float32).eps)

    def fit_block(
        self, models: slice, centre: Floats, preconditioner: SharedPreconditioner
    ) -> Block:
        """Train a block of models."""
        features = self.space.features(models, self.dtype)
        share = self.job.masks[models].mean(axis=1)
        start = self.start_at_centre(features, centre, len(share))
        unknowns = self.solve(models, start, replace(preconditioner, share=share))
        if self.k > 1:  # what all classes share changes no probability, only the penalty
            unknowns -= unknowns.mean(axis=2, keepdims=True)
        weights, bias = features.fold(unknowns[:-1], unknowns[-1])
        squares = None
        if features.row_scale is not None and features.scale is not None:
            squares = features.scale**2
        return Block(models.start, weights, bias, squares)

    def start_at_centre(self, features: SubsetFeatures, centre: Floats, models: int) -> Floats:
        """Let every model begin with the logits of the model on all rows."""
        whole = self.space.features(self.all_rows, self.dtype)
        folded = whole.fold(centre[:-1], centre[-1])
        weights, bias = features.unfold(*(np.repeat(a, models, axis=-2) for a in folded))
        return np.concatenate([weights, self.intercept * bias[None]])

    def solve(self, models: slice, start: Floats, preconditioner: SharedPreconditioner) -> Floats:
        """Solve in float32, then more precisely where that is wanted or did not do."""
        low_precision, rule = self.problem(models, np.float32), FLOAT32_RULE
        with np.errstate(all="ignore"):  # what float32 cannot do is done again
            unknowns, reached, _, last_preconditioner = minimise(
                low_precision, low_precision, start, preconditioner.cast(np.float32), rule
            )
        if self.dtype is np.float64:
            precise, rule = self.problem(models, np.float64), FLOAT64_RULE
            unknowns = np.where(np.isfinite(unknowns), unknowns, start)
            with np.errstate(all="ignore"):
                unknowns, reached, _, _ = minimise(
                    precise, low_precision, unknowns, last_preconditioner, rule
                )
        unsettled = np.flatnonzero(~reached)
        if len(unsettled):
            begin = np.where(np.isfinite(unknowns), unknowns, start)[:, unsettled]
            chosen = preconditioner.select(unsettled)
            unknowns[:, unsettled] = self.solve_carefully(models, unsettled, begin, chosen, rule)
        return unknowns

    def solve_carefully(
        self,
        models: slice,
        unsettled: Ints,
        begin: Floats,
        preconditioner: SharedPreconditioner,
        rule: StoppingRule,
    ) -> Floats:
        """Solve some of the models in float64 only, from where they are, and then from nothing.

        Raises
        ------
        DataError
            A model did not settle.
        """
        out, every = begin.astype(np.float64), self.problem(models, np.float64)
        left = np.arange(len(unsettled))
        for max_steps in CAREFUL_MAX_STEPS:
            careful_rule = replace(CAREFUL_RULE, logit_error=rule.logit_error, max_steps=max_steps)
            problem = every.select(unsettled[left])
            precise = preconditioner.select(left).cast(np.float64)
            with np.errstate(all="ignore"):
                unknowns, reached, change, _ = minimise(
                    problem, problem, out[:, left], precise, careful_rule
                )
            out[:, left] = unknowns
            left = left[~reached & ~(change < CAREFUL_RULE.rounding_change)]
            if len(left) == 0:
                return out
            out[:, left] = 0
        raise DataError(
            f"logistic regression of model {models.start + unsettled[left[0]]} did not converge in "
            f"{CAREFUL_MAX_STEPS[-1]} Newton steps; scale the columns (StandardScaler), or lower C"
        )

    def problem(self, models: slice, dtype: Any) -> LogisticProblem:
        """Return the problems of some of the models."""
        features, weights = self.space.features(models, dtype), self.row_weights(models, dtype)
        return LogisticProblem(features, self.job.data.y, weights, self.k, self.intercept)

    def row_weights(self, models: slice, dtype: Any) -> Floats:
        """Return the weight `(n, B)` of every row in some of the models."""
        final, y = self.job.parts.final, self.job.data.y
        masks = self.job.masks[models]
        if models == self.all_rows:
            masks = np.ones((1, len(y)), dtype=bool)
        weights = masks.T.astype(dtype, order="C")
        weights *= float(final.C)
        if final.class_weight == "balanced":
            counts = count_classes(masks, y, len(self.job.classes)).astype(np.float64)
            balanced = masks.sum(axis=1, keepdims=True) / (counts.shape[1] * counts)
            weights *= balanced.T.astype(dtype)[y]
        return weights

    def shared_preconditioner(self, problem: LogisticProblem, at: Floats) -> SharedPreconditioner:
        """Decompose the curvature of the model on all rows; of more classes, their mean."""
        _, curvature = problem.gradient(at, problem.logits(at))
        row_curvature = curvature[:, 0, 0]
        if self.k > 1:  # `curvature` is then the probabilities
            variance = (curvature * (1 - curvature)).mean(axis=2)[:, 0]
            row_curvature = variance * problem.row_weights[:, 0]
        if self.decomposed:
            return decompose_curvature(problem.features, row_curvature, intercept=self.intercept)
        single, weights = replace(problem, k=1), row_curvature[:, None, None]
        stretch = np.ones((len(at), 1), dtype=at.dtype)
        stretch[-1] = BIAS_PENALTY**-0.5  # to unknowns in which the penalty is the identity

        def multiply(vectors: Floats) -> Floats:
            stretched = vectors.astype(at.dtype) * stretch
            product = single.hessian(stretched[:, None, :], weights)[:, 0]
            product[:-1] -= stretched[:-1]  # less the penalty: curvature of the losses alone
            return np.asarray(product * stretch)

        return find_steepest(multiply, len(at), STEEPEST_DIRECTIONS)

    def _rebuild(self, blocks: list[Block]) -> Callable[[int], Target]:
        def rebuild(i: int) -> Target:
            block = next(b for b in blocks if b.start <= i < b.start + len(b))
            features = self.space.features(slice(i, i + 1))
            place = slice(i - block.start, i - block.start + 1)
            weights, bias = block.weights[:, place], block.bias[place]
            if features.origin is not None:
                bias = bias - np.einsum("d,dbk->bk", features.origin, weights)
            weights, bias = features.unfold(weights, bias)
            present = self.space.present(slice(i, i + 1))[:, 0]
            return build_target(self.job, i, weights[present, 0].T, bias[0])

        return rebuild


def build_target(job: FitJob, i: int, weights: Floats, bias: Floats) -> SklearnTarget:
    """Build a fitted scikit-learn model of the i-th one; `weights (k, d)`, `bias (k,)`."""
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
        preprocessing = make_pipeline(*[clone(step) for step in before])
        preprocessing.fit(prepared(job.data.x[rows], job.domain), job.data.y[rows])
        model = make_pipeline(*[step for _, step in preprocessing.steps], final)
    elif _with_names(job.domain):
        names = [c.name for c in job.domain.columns]  # type: ignore[union-attr]
        final.feature_names_in_ = np.array(names, dtype=object)
    return SklearnTarget(model, job.classes, job.domain, indexed=True)


def _with_names(domain: Domain) -> bool:
    """Tell whether scikit-learn keeps the names of the columns: of a frame, if all are texts."""
    named = isinstance(domain, TableDomain) and domain.named
    return named and all(c.label is None for c in domain.columns)  # type: ignore[union-attr]
