"""The fast path of every kind of model."""

from __future__ import annotations

from collections.abc import Callable

from goalkeeper.core.application import Ensemble, Target
from goalkeeper.training import bayes, discriminant, gaussian, logistic, neighbours, ridge
from goalkeeper.training.finals import Kind
from goalkeeper.training.paths import Job

Refit = Callable[[int], Target]  # train the i-th target as scikit-learn does

FAST: dict[Kind, Callable[[Job, Refit], Ensemble]] = {
    "bayes": bayes.fit_many,
    "logistic": lambda job, refit: logistic.fit_many(job),
    "gaussian": gaussian.fit_many,
    "centroid": gaussian.fit_many_centroids,
    "discriminant": discriminant.fit_many,
    "ridge": ridge.fit_many,
    "neighbours": neighbours.fit_many,
}
