"""Ridge classifiers for N subsets in closed form, and ridge regression without each record."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats
from goalkeeper.training.ensembles import Block, Together, linear, slices
from goalkeeper.training.features import TableSpace
from goalkeeper.training.paths import Job

Refit = Callable[[int], Target]


def fit_many(job: Job, refit: Refit) -> Together:
    """Train ridge classifiers on every subset; decisions are those of scikit-learn to 1e-8."""
    space, final, classes = TableSpace(job, job.masks), job.path.final, len(job.classes)
    signs = 2 * np.eye(classes)[job.data.y] - 1
    signs = signs[:, 1:] if classes == 2 else signs
    width = space.matrix.shape[1]
    found = []
    for models in slices(len(job.masks), width, signs.shape[1]):
        lens = space.lens(models)
        weights = np.empty((width, models.stop - models.start, signs.shape[1]))
        bias = np.empty(weights.shape[1:])
        for b, mask in enumerate(job.masks[models]):
            features = space.matrix[mask]
            if lens.shift is not None:
                features = features - lens.shift[:, b]
            if lens.scale is not None:
                features = features * lens.scale[:, b]
            weigh = _weights(job, mask) if final.class_weight == "balanced" else None
            weights[:, b], bias[b] = solved(
                features, signs[mask], final.alpha, intercept=final.fit_intercept, weights=weigh
            )
        found.append(Block(models.start, *lens.folded(weights, bias)))
    return linear(space, found, classes, refit)


def _weights(job: Job, mask: Bools) -> Floats:
    """Balanced weight of every row of a subset."""
    y = job.data.y[mask]
    sizes = np.bincount(y, minlength=len(job.classes))
    return np.asarray((len(y) / (len(sizes) * sizes))[y])


def solved(
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
    x, y, middle, goal = _centred(x, y, weights, intercept=intercept)
    curved = x.T @ x
    curved.flat[:: len(curved) + 1] += alpha
    found = np.asarray(np.linalg.solve(curved, x.T @ y), dtype=np.float64)
    return found, goal - middle @ found


def leave_one_out(
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
    rows, goals, *_ = _centred(x, y, weights, intercept=intercept)
    curved = rows.T @ rows
    curved.flat[:: len(curved) + 1] += alpha
    half = np.linalg.solve(np.linalg.cholesky(curved), rows.T)
    leverage = np.square(half).sum(axis=0)
    rest = goals - half.T @ (half @ goals)
    share = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    if intercept:
        leverage += share
    root = np.ones(len(x)) if weights is None else np.sqrt(weights)
    return np.asarray(y - rest / (root * (1 - leverage))[:, None])


def _centred(
    x: Floats, y: Floats, weights: Floats | None, *, intercept: bool
) -> tuple[Floats, Floats, Floats, Floats]:
    """Centre rows `(n, d)` and goals `(n, k)`, times the root of their weights; and the centres."""
    middle, goal = np.zeros(x.shape[1]), np.zeros(y.shape[1])
    if intercept:
        middle = np.asarray(np.average(x, axis=0, weights=weights))
        goal = np.asarray(np.average(y, axis=0, weights=weights))
        x, y = x - middle, y - goal
    if weights is not None:
        root = np.sqrt(weights)[:, None]
        x, y = x * root, y * root
    return x, y, middle, goal
