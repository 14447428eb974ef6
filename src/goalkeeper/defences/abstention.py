"""Decline what is unlike the training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.goals import Goal
from goalkeeper.defences._declining import lacks_for_declining, train_declining
from goalkeeper.defences.base import RETRAINED, Defence, Settings

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
        return lacks_for_declining(app, FEWEST)

    def candidates(self, app: Application) -> Sequence[AbstentionSettings]:
        """Try two shares."""
        return tuple(AbstentionSettings(declined=share) for share in (0.005, 0.01))

    def apply(self, app: Application, settings: AbstentionSettings) -> Application:
        """Train again."""
        learn = partial(DistanceDetector.fit, Features(app.domain))
        return train_declining(app, learn, settings.declined, WORDS)


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
class DistanceDetector:
    """Means `(classes, d)` of standardised features, and what makes their residuals white."""

    features: Features
    centre: Floats
    scale: Floats
    means: Floats
    whiten: Floats

    @staticmethod
    def fit(features: Features, data: Data) -> DistanceDetector:
        """Learn the means of the classes, and how records lie around them."""
        raw = features.of(data.x)
        centre, scale = raw.mean(axis=0), raw.std(axis=0)
        # A feature that never varies: any other value is far away.
        scale = np.where(scale > 0, scale, max(float(scale.mean()), 1e-6))
        x = (raw - centre) / scale
        classes, place = np.unique(data.y, return_inverse=True)
        means = np.stack([x[data.y == c].mean(axis=0) for c in classes])
        return DistanceDetector(features, centre, scale, means, _whitening(x - means[place]))

    def score(self, x: Inputs) -> Floats:
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
