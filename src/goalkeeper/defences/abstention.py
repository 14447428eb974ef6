"""Decline what is unlike the training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._answers import ScoringTarget, decline, stored_behind
from goalkeeper.defences._training import NO_RECIPE, retrained, stored_again, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training.one_by_one import SeparateModels

FEWEST = 20  # harmless calibration records, which show what is usual
HASHED = 256  # features that words are hashed to
MOST_TOGETHER = 512  # features whose correlations are looked at
WORDS = "abstains"


class AbstentionSettings(Settings):
    """How much is declined."""

    declined: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="share of ordinary harmless inputs that is declined as unusual",
    )


class Abstention(Defence[AbstentionSettings]):
    """A model says little of what it has met nothing like.

    An input is declined that lies further from the mean of every class than hardly any harmless
    calibration record does. The distance is that of Mahalanobis: Lee et al. 2018, A simple unified
    framework for detecting out-of-distribution samples and adversarial attacks, NeurIPS; here of
    the inputs themselves, of texts by their words. No training record is stored.
    """

    about: ClassVar[str] = "decline inputs that are unlike the training data"
    works: ClassVar[str] = (
        "the attack leaves the range of ordinary inputs; changes that stay within it pass"
    )
    price: ClassVar[str] = "unusual harmless inputs are declined, and somebody must look at them"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion", "nonsense"})
    settings: ClassVar[type[AbstentionSettings]] = AbstentionSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, a harmless class, scores, and harmless calibration records."""
        if app.trainer is None:
            return NO_RECIPE
        if app.harmless is None:
            return "no class is named harmless"
        if app.target.offers < View.SCORES:
            return "the model gives no scores"
        few = f"fewer than {FEWEST} calibration records are harmless"
        return few if (app.data.calibration.y == app.harmless).sum() < FEWEST else ""

    def candidates(self, app: Application) -> Sequence[AbstentionSettings]:
        """Try two shares."""
        return tuple(AbstentionSettings(declined=share) for share in (0.005, 0.01))

    def apply(self, app: Application, settings: AbstentionSettings) -> Application:
        """Train again."""
        if app.harmless is None:
            raise TargetError(self.lacks(app))
        calibration = app.data.calibration
        ordinary = calibration.x[calibration.y == app.harmless]
        features = Features(app.domain)
        trainer = AbstainingTrainer(
            trainer_of(app), features, ordinary, app.harmless, settings.declined
        )
        made = retrained(replace(app, storage=None), trainer)
        target = made.target
        if not isinstance(target, ScoringTarget):
            return made
        storage = stored_behind(app.storage, target.compute, target.words)
        return replace(made, storage=stored_again(storage, target))


@dataclass(frozen=True, eq=False)
class AbstainingTrainer:
    """Trains a model, and what recognises unusual inputs, on the same records.

    Parameters
    ----------
    inner
        The application's own trainer.
    features
        What inputs are compared by.
    ordinary
        Harmless inputs that neither is trained on.
    harmless
        Class that an unusual input does not get.
    declined
        Share of ordinary inputs that is declined.
    """

    inner: Trainer
    features: Features
    ordinary: Inputs
    harmless: int
    declined: float

    @property
    def recipe(self) -> str:
        """The recipe, and how much is declined."""
        return f"{self.inner.recipe} > {WORDS} (declined={self.declined:g})"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self._behind(self.inner.fit(data, seed), data)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        models = self.inner.fit_many(data, masks, seeds)
        parts = [data.take(mask) for mask in masks]
        return SeparateModels([self._behind(models.target(i), p) for i, p in enumerate(parts)])

    def _behind(self, target: Target, data: Data) -> Target:
        detector = Detector.fit(self.features, data)
        limit = float(np.quantile(detector.distances(self.ordinary), 1 - self.declined))
        compute = partial(score_usual, detector=detector, limit=limit, harmless=self.harmless)
        return ScoringTarget(target, compute, f"{WORDS} (declined={self.declined:g})")


def score_usual(
    model: Target, x: Inputs, *, detector: Detector, limit: float, harmless: int
) -> Floats:
    """Return scores `(n, classes)`; an input beyond the limit is declined."""
    scores = model.answer(x, View.SCORES).scores
    return decline(scores, detector.distances(x) > limit, harmless) if len(x) else scores


@dataclass(frozen=True, eq=False)
class Features:
    """Numbers that inputs are compared by: columns, pixels, or hashed words."""

    domain: Domain

    def of(self, x: Inputs) -> Floats:
        """Return the numbers `(n, features)` of inputs `(n, ...)`."""
        if x.dtype == object:
            from sklearn.feature_extraction.text import HashingVectorizer

            hashed = HashingVectorizer(n_features=HASHED, alternate_sign=False)
            return np.asarray(hashed.transform(x).toarray())
        rows = self.domain.filled(x) if isinstance(self.domain, TableDomain) else x
        return np.asarray(rows, dtype=np.float64).reshape(len(x), -1)


@dataclass(frozen=True, eq=False)
class Detector:
    """Means `(classes, d)` of standardised features, and what makes their residuals white."""

    features: Features
    centre: Floats
    scale: Floats
    means: Floats
    whiten: Floats

    @staticmethod
    def fit(features: Features, data: Data) -> Detector:
        """Learn the means of the classes, and how records lie around them."""
        raw = features.of(data.x)
        centre, scale = raw.mean(axis=0), raw.std(axis=0)
        # A feature that never varies: any other value is far away.
        scale = np.where(scale > 0, scale, max(float(scale.mean()), 1e-6))
        x = (raw - centre) / scale
        classes, place = np.unique(data.y, return_inverse=True)
        means = np.stack([x[data.y == c].mean(axis=0) for c in classes])
        return Detector(features, centre, scale, means, _whitening(x - means[place]))

    def distances(self, x: Inputs) -> Floats:
        """Return the distance `(n,)` of each input to the nearest mean of a class."""
        white = ((self.features.of(x) - self.centre) / self.scale) @ self.whiten
        means = self.means @ self.whiten
        squares = ((white**2).sum(axis=1)[:, None] - 2 * white @ means.T) + (means**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0.0)))


def _whitening(residuals: Floats) -> Floats:
    """Return the matrix `(d, d)` that makes residuals white; of many features, the identity."""
    from sklearn.covariance import ledoit_wolf

    width = residuals.shape[1]
    if width > MOST_TOGETHER or len(residuals) < 2:
        return np.eye(width)
    covariance, _ = ledoit_wolf(residuals)
    values, vectors = np.linalg.eigh(covariance + 1e-9 * np.eye(width))
    return np.asarray(vectors / np.sqrt(values))
