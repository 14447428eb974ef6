"""Linear discriminant analysis for N subsets, from means and scatter of every subset."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats, Ints
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.ensembles import Together, linear
from goalkeeper.training.features import TableSpace
from goalkeeper.training.gaussian import blocks
from goalkeeper.training.paths import Job

NONE, SOME = 1e-11, 1e-6  # relative variance of a direction: below nothing, above surely something
Refit = Callable[[int], Target]


def fit_many(job: Job, refit: Refit) -> Together:
    """Train linear discriminants on every subset; scores are those of scikit-learn to 1e-8.

    Directions in which a subset does not vary are left out, as the solver `svd` does. Where
    rounding decides whether it varies, scikit-learn trains this one model.
    """
    space = TableSpace(job, job.masks)
    middle = space.matrix.mean(axis=0)
    rows = space.matrix - middle
    varies = rows.var(axis=0)
    weights = np.empty((len(job.classes), rows.shape[1], len(job.masks)))
    bias = np.empty((len(job.classes), len(job.masks)))
    for i, mask in enumerate(job.masks):
        found = _solved(rows[mask], job.data.y[mask], varies, job.path.final.solver)
        if found is None:
            found = _ordinary(space, i, refit(i), len(job.classes), middle)
        weights[:, :, i], bias[:, i] = found
    bias -= np.einsum("cdn,d->cn", weights, middle)
    return linear(space, blocks(weights, bias), len(job.classes), refit)


def _solved(rows: Floats, y: Ints, varies: Floats, solver: str) -> tuple[Floats, Floats] | None:
    """Weights `(C, d)` and bias `(C,)` on `rows (m, d)`, or None where rounding would decide."""
    member = np.eye(int(y.max()) + 1)[y]
    sizes = member.sum(axis=0)
    means = (member.T @ rows) / sizes[:, None]
    within = (rows.T @ rows - (means * sizes[:, None]).T @ means) / len(rows)
    spread = np.diag(within).copy()
    flat = spread <= SOME * varies
    if (rows[:, flat] != rows[:1, flat]).any():
        return None
    within[flat], within[:, flat], spread[flat] = 0.0, 0.0, 1.0
    spread = np.sqrt(spread)
    values, vectors = np.linalg.eigh(within / spread / spread[:, None])
    keep = values >= SOME
    if (values[~keep] > NONE).any() or (solver != "svd" and not keep.all()):
        return None
    mean = rows.mean(axis=0)
    half = vectors[:, keep] / np.sqrt(values[keep]) / spread[:, None]
    white = (means - mean) @ half
    if not _spanned(white * np.sqrt(sizes)[:, None]):
        return None
    factor = 1 - (_freedom() * len(sizes) / len(rows) if solver == "svd" else 0)
    weights = factor * (white @ half.T)
    bias = np.log(sizes / len(rows)) - 0.5 * factor * np.square(white).sum(axis=1)
    return weights, bias - weights @ mean


def _spanned(white: Floats) -> bool:
    """Whether every direction between the means `(C, r)` is clearly something or nothing."""
    values = np.linalg.eigvalsh(white @ white.T)
    return not bool(((values > NONE * values[-1]) & (values < SOME * values[-1])).any())


@cache
def _freedom() -> int:
    """Whether this scikit-learn divides the scatter by n - C (older versions) or by n."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    tried = LinearDiscriminantAnalysis().fit([[0.0], [2.0], [3.0], [5.0]], [0, 0, 1, 1])
    return int(tried.coef_[0, 0] < 2)  # 3 by n, 1.5 by n - C


def _ordinary(
    space: TableSpace, i: int, target: Any, classes: int, middle: Floats
) -> tuple[Floats, Floats]:
    """Read what scikit-learn trained, as weights and bias on centred rows of the shared matrix."""
    final = steps_of(target.model)[1]
    lens = space.lens(slice(i, i + 1))
    weights, bias = lens.folded(final.coef_.T[:, None, :], final.intercept_[None])
    found, constant = weights[:, 0].T, bias[0] + weights[:, 0].T @ middle
    if classes > 2:
        return found, constant
    return np.concatenate([0 * found, found]), np.concatenate([0 * constant, constant])
