"""Which function trains many models of a kind together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from goalkeeper.core.application import Ensemble
from goalkeeper.training import bayes, discriminant, gaussian, logistic, neighbours, ridge
from goalkeeper.training.dispatch import FitJob, Refit
from goalkeeper.training.supported import StrategyKind

BATCHED_FITS: Mapping[StrategyKind, Callable[[FitJob, Refit], Ensemble]] = {
    "bayes": bayes.fit_many,
    "logistic": lambda job, refit: logistic.fit_many(job),
    "gaussian": gaussian.fit_many,
    "centroid": gaussian.fit_many_centroids,
    "discriminant": discriminant.fit_many,
    "ridge": ridge.fit_many,
    "neighbours": neighbours.fit_many,
}
