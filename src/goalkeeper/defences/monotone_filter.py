"""Decline also what a second model declines whose score added words cannot lower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.goals import Goal
from goalkeeper.defences._declining import lacks_for_declining, train_declining
from goalkeeper.defences.base import RETRAINED, Defence, Settings

FEWEST = 15  # harmless calibration records, which show what is usual
PIECES = (2, 4)  # characters of the pieces of words that are looked at
MOST_PIECES = 50_000
STRENGTH = 0.3  # of the regularisation
STEPS = 200  # of the optimiser, at most
WORDS = "monotone filter"


class MonotoneSettings(Settings):
    """How much is declined."""

    declined: float = Field(
        default=0.005,
        gt=0,
        lt=0.5,
        description="share of ordinary harmless inputs that the second model declines",
    )


class MonotoneFilter(Defence[MonotoneSettings]):
    """What only counts against a text is not outweighed by what stands beside it.

    The second model counts which pieces of words a text has, with weights of at least 0 towards the
    classes that are not harmless, so that no added word lowers its score. Incer et al. 2018,
    Adversarially robust malware detection using monotonic classification, IWSPA. Here it stands
    beside the model, which alone would lose the accuracy that harmless words give.
    """

    about: ClassVar[str] = (
        "decline also what a second model declines that harmless words cannot outweigh"
    )
    works: ClassVar[str] = (
        "harmful texts have words that ordinary harmless texts lack; added words never help then, "
        "respelt ones may"
    )
    price: ClassVar[str] = "some harmless texts are declined that the model alone lets pass"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion"})
    settings: ClassVar[type[MonotoneSettings]] = MonotoneSettings

    def lacks(self, app: Application) -> str:
        """Need texts, a recipe, scores, a harmless class, and harmless calibration records."""
        if not isinstance(app.domain, TextDomain):
            return "its inputs are no texts"
        return lacks_for_declining(app, FEWEST)

    def candidates(self, app: Application) -> Sequence[MonotoneSettings]:
        """Try three shares."""
        return tuple(MonotoneSettings(declined=share) for share in (0.0025, 0.005, 0.01))

    def work(self, app: Application, settings: MonotoneSettings) -> float:
        """Count both models."""
        return 2.0

    def apply(self, app: Application, settings: MonotoneSettings) -> Application:
        """Train again."""
        learn = partial(MonotoneModel.fit, harmless=app.harmless or 0)
        return train_declining(app, learn, settings.declined, WORDS)


@dataclass(frozen=True, eq=False)
class MonotoneModel:
    """Adds up weights of at least 0, of the pieces of words that a text has.

    Parameters
    ----------
    pieces
        Returns which pieces each text has, `(n, d)`.
    weights
        `(d,)`.
    """

    pieces: Any
    weights: Floats

    @classmethod
    def fit(cls, data: Data, harmless: int) -> MonotoneModel:
        """Fit a logistic regression whose weights are bounded."""
        from sklearn.feature_extraction.text import CountVectorizer

        pieces = CountVectorizer(
            binary=True, analyzer="char_wb", ngram_range=PIECES, max_features=MOST_PIECES
        )
        found = pieces.fit_transform(data.x).astype(np.float64)
        return cls(pieces, _fit_weights(found, data.y != harmless))

    def score(self, x: Inputs) -> Floats:
        """Say how much speaks against each text, `(n,)`; whatever is added to it, no less."""
        if not len(x):
            return np.empty(0)
        return np.asarray(self.pieces.transform(x) @ self.weights)


def _fit_weights(found: Any, harmful: Bools) -> Floats:
    """Minimise the logistic loss over weights of at least 0 and a bias, which is not needed."""
    from scipy.optimize import minimize

    signs = np.where(harmful, 1.0, -1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, bias = values[:-1], values[-1]
        margins = signs * (found @ weights + bias)
        slopes = -signs / (1 + np.exp(np.clip(margins, -500, 500)))
        value = np.logaddexp(0, -margins).sum() + STRENGTH / 2 * (weights @ weights)
        return float(value), np.append(found.T @ slopes + STRENGTH * weights, slopes.sum())

    d = found.shape[1]
    given: Any = {"jac": True, "method": "L-BFGS-B", "options": {"maxiter": STEPS}}
    given["bounds"] = [(0.0, None)] * d + [(None, None)]
    result = minimize(loss, np.zeros(d + 1), **given)
    return np.asarray(result.x[:-1])
