"""Linear discriminant analysis for N subsets, from means and scatter of every subset."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.dispatch import FitJob, Refit
from goalkeeper.training.ensembles import BatchedEnsemble, build_linear_ensemble
from goalkeeper.training.features import TableSpace
from goalkeeper.training.gaussian import build_blocks

# Variance of a direction, as a share. Scikit-learn leaves directions out below tol=1e-4 of a
# standard deviation, that is 1e-8 of a variance. Between these bounds on either side of it,
# rounding could decide otherwise here than there: scikit-learn itself is asked.
ZERO_VARIANCE, CLEAR_VARIANCE = 1e-11, 1e-6


def fit_many(job: FitJob, refit: Refit) -> BatchedEnsemble:
    """Train linear discriminants on every subset; scores are those of scikit-learn to 1e-8.

    Directions in which a subset does not vary are left out, as the solver `svd` does. Where
    rounding decides whether it varies, scikit-learn trains this one model.
    """
    space = TableSpace(job, job.masks)
    centre = space.matrix.mean(axis=0)
    rows = space.matrix - centre
    overall_variance = rows.var(axis=0)
    weights = np.empty((len(job.classes), rows.shape[1], len(job.masks)))
    bias = np.empty((len(job.classes), len(job.masks)))
    for i, mask in enumerate(job.masks):
        solution = _solve(rows[mask], job.data.y[mask], overall_variance, job.parts.final.solver)
        if solution is None:
            solution = _read_fitted(space, i, refit(i), len(job.classes), centre)
        weights[:, :, i], bias[:, i] = solution
    bias -= np.einsum("cdn,d->cn", weights, centre)
    return build_linear_ensemble(space, build_blocks(weights, bias), len(job.classes), refit)


def _solve(
    rows: Floats, y: Ints, overall_variance: Floats, solver: str
) -> tuple[Floats, Floats] | None:
    """Return weights `(C, d)` and bias `(C,)` on `rows (m, d)`; None where rounding would decide.

    Reference: Hastie, Tibshirani and Friedman, The elements of statistical learning, 2nd ed.,
    section 4.3.2: whiten by the scatter within classes, then compare with the class means.
    """
    member = np.eye(int(y.max()) + 1)[y]
    sizes = member.sum(axis=0)
    means = (member.T @ rows) / sizes[:, None]
    within = (rows.T @ rows - (means * sizes[:, None]).T @ means) / len(rows)
    within_variance = np.diag(within).copy()
    flat = within_variance <= CLEAR_VARIANCE * overall_variance
    if (rows[:, flat] != rows[:1, flat]).any():
        return None
    within[flat], within[:, flat], within_variance[flat] = 0.0, 0.0, 1.0
    # Columns are scaled to variance 1 first, so that their units decide nothing.
    deviation = np.sqrt(within_variance)
    values, vectors = np.linalg.eigh(within / deviation / deviation[:, None])
    varying = values >= CLEAR_VARIANCE
    if (values[~varying] > ZERO_VARIANCE).any() or (solver != "svd" and not varying.all()):
        return None
    mean = rows.mean(axis=0)
    whitening = vectors[:, varying] / np.sqrt(values[varying]) / deviation[:, None]
    whitened = (means - mean) @ whitening
    if not _has_clear_rank(whitened * np.sqrt(sizes)[:, None]):
        return None
    factor = 1 - (_divides_by_freedom() * len(sizes) / len(rows) if solver == "svd" else 0)
    weights = factor * (whitened @ whitening.T)
    bias = np.log(sizes / len(rows)) - 0.5 * factor * np.square(whitened).sum(axis=1)
    return weights, bias - weights @ mean


def _has_clear_rank(whitened: Floats) -> bool:
    """Tell whether every direction between the means `(C, r)` is clearly something or nothing."""
    values = np.linalg.eigvalsh(whitened @ whitened.T)
    unclear = (values > ZERO_VARIANCE * values[-1]) & (values < CLEAR_VARIANCE * values[-1])
    return not bool(unclear.any())


@cache
def _divides_by_freedom() -> int:
    """Tell whether this scikit-learn divides the scatter by n - C (older versions) or by n."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    fitted = LinearDiscriminantAnalysis().fit([[0.0], [2.0], [3.0], [5.0]], [0, 0, 1, 1])
    return int(fitted.coef_[0, 0] < 2)  # 3 by n, 1.5 by n - C


def _read_fitted(
    space: TableSpace, i: int, target: Any, classes: int, centre: Floats
) -> tuple[Floats, Floats]:
    """Read what scikit-learn trained, as weights and bias on centred rows of the shared matrix."""
    final = steps_of(target.model)[1]
    features = space.features(slice(i, i + 1))
    weights, bias = features.fold(final.coef_.T[:, None, :], final.intercept_[None])
    solution, constant = weights[:, 0].T, bias[0] + weights[:, 0].T @ centre
    if classes > 2:
        return solution, constant
    # Two classes have one row: class 0 is the origin from which class 1 is measured.
    return np.concatenate([0 * solution, solution]), np.concatenate([0 * constant, constant])
