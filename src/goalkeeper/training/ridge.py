"""Ridge classifiers for N subsets in closed form, and ridge regression without each record."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.training.dispatch import FitJob, Refit
from goalkeeper.training.ensembles import (
    BatchedEnsemble,
    Block,
    build_linear_ensemble,
    split_models,
)
from goalkeeper.training.features import TableSpace


def fit_many(job: FitJob, refit: Refit) -> BatchedEnsemble:
    """Train ridge classifiers on every subset; decisions are those of scikit-learn to 1e-8."""
    space, final, classes = TableSpace(job, job.masks), job.parts.final, len(job.classes)
    targets = 2 * np.eye(classes)[job.data.y] - 1  # as RidgeClassifier: 1 for the class, else -1
    targets = targets[:, 1:] if classes == 2 else targets
    width = space.matrix.shape[1]
    blocks = []
    for models in split_models(len(job.masks), width, targets.shape[1]):
        features = space.features(models)
        weights = np.empty((width, models.stop - models.start, targets.shape[1]))
        bias = np.empty(weights.shape[1:])
        for b, mask in enumerate(job.masks[models]):
            x = space.matrix[mask]
            if features.shift is not None:
                x = x - features.shift[:, b]
            if features.scale is not None:
                x = x * features.scale[:, b]
            row_weights = _balanced_weights(job, mask) if final.class_weight == "balanced" else None
            weights[:, b], bias[b] = solve_ridge(
                x, targets[mask], final.alpha, intercept=final.fit_intercept, weights=row_weights
            )
        blocks.append(Block(models.start, *features.fold(weights, bias)))
    return build_linear_ensemble(space, blocks, classes, refit)


def _balanced_weights(job: FitJob, mask: Bools) -> Floats:
    """Return the balanced weight of every row of a subset."""
    y = job.data.y[mask]
    sizes = np.bincount(y, minlength=len(job.classes))
    return np.asarray((len(y) / (len(sizes) * sizes))[y])


def solve_ridge(
    x: Floats, y: Floats, alpha: float, *, intercept: bool = True, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Solve ridge regression: weights `(d, k)` and bias `(k,)`, which is not penalised.

    Parameters
    ----------
    x
        Rows `(n, d)`.
    y
        What they should give `(n, k)`.
    alpha
        Penalty, positive.
    intercept
        Whether there is a bias.
    weights
        Weight `(n,)` of every row; all 1 by default.
    """
    x, y, x_mean, y_mean = _centre(x, y, weights, intercept=intercept)
    gram = x.T @ x
    gram.flat[:: len(gram) + 1] += alpha
    solution = np.asarray(np.linalg.solve(gram, x.T @ y), dtype=np.float64)
    return solution, y_mean - x_mean @ solution


def predict_leave_one_out(
    x: Floats, y: Floats, alpha: float, *, intercept: bool = True, weights: Floats | None = None
) -> Floats:
    """Predict every record by the ridge regression that is trained on all others.

    The residual without a record is the residual with it, divided by one minus its leverage. This
    is exact, intercept and weights included.

    Parameters
    ----------
    x
        Rows `(n, d)`.
    y
        What they should give `(n, k)`.
    alpha
        Penalty, positive.
    intercept
        Whether there is a bias, which is not penalised.
    weights
        Weight `(n,)` of every row; all 1 by default.

    Returns
    -------
    Floats
        Predictions `(n, k)`.

    References
    ----------
    Allen, The relationship between variable selection and data augmentation, 1974.
    """
    rows, targets, *_ = _centre(x, y, weights, intercept=intercept)
    gram = rows.T @ rows
    gram.flat[:: len(gram) + 1] += alpha
    whitened = np.linalg.solve(np.linalg.cholesky(gram), rows.T)
    leverage = np.square(whitened).sum(axis=0)  # diagonal of x (x'x + alpha)^-1 x'
    residuals = targets - whitened.T @ (whitened @ targets)
    share = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    if intercept:  # the mean of y moves with each record, too
        leverage += share
    root_weights = np.ones(len(x)) if weights is None else np.sqrt(weights)
    return np.asarray(y - residuals / (root_weights * (1 - leverage))[:, None])


def _centre(
    x: Floats, y: Floats, weights: Floats | None, *, intercept: bool
) -> tuple[Floats, Floats, Floats, Floats]:
    """Centre rows `(n, d)` and targets `(n, k)` and multiply them by the root of their weights.

    Centring takes the bias out of the problem, so that it is not penalised. Returns both, and the
    means that were taken.
    """
    x_mean, y_mean = np.zeros(x.shape[1]), np.zeros(y.shape[1])
    if intercept:
        x_mean = np.asarray(np.average(x, axis=0, weights=weights))
        y_mean = np.asarray(np.average(y, axis=0, weights=weights))
        x, y = x - x_mean, y - y_mean
    if weights is not None:
        root_weights = np.sqrt(weights)[:, None]
        x, y = x * root_weights, y * root_weights
    return x, y, x_mean, y_mean
