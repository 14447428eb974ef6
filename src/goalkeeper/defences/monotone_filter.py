"""Decline also what a second model declines whose score added words cannot lower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._answers import ScoringTarget, decline, stored_behind
from goalkeeper.defences._training import NO_RECIPE, retrained, stored_again, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training.one_by_one import SeparateModels

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
        if app.trainer is None:
            return NO_RECIPE
        if app.harmless is None:
            return "no class is named harmless"
        if app.target.offers < View.SCORES:
            return "the model gives no scores"
        few = f"fewer than {FEWEST} calibration records are harmless"
        return few if (app.data.calibration.y == app.harmless).sum() < FEWEST else ""

    def candidates(self, app: Application) -> Sequence[MonotoneSettings]:
        """Try three shares."""
        return tuple(MonotoneSettings(declined=share) for share in (0.0025, 0.005, 0.01))

    def work(self, app: Application, settings: MonotoneSettings) -> float:
        """Count both models."""
        return 2.0

    def apply(self, app: Application, settings: MonotoneSettings) -> Application:
        """Train again."""
        if app.harmless is None:
            raise TargetError(self.lacks(app))
        calibration = app.data.calibration
        ordinary = calibration.x[calibration.y == app.harmless]
        trainer = FilteringTrainer(trainer_of(app), ordinary, app.harmless, settings.declined)
        made = retrained(replace(app, storage=None), trainer)
        target = made.target
        if not isinstance(target, ScoringTarget):
            return made
        storage = stored_behind(app.storage, target.compute, target.words)
        return replace(made, storage=stored_again(storage, target))


@dataclass(frozen=True, eq=False)
class FilteringTrainer:
    """Trains a model, and the second one, on the same records.

    Parameters
    ----------
    inner
        The application's own trainer.
    ordinary
        Harmless texts that neither is trained on.
    harmless
        Class that a declined text does not get.
    declined
        Share of ordinary texts that the second model declines.
    """

    inner: Trainer
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
        second = MonotoneModel.fit(data, self.harmless)
        limit = float(np.quantile(second.score(self.ordinary), 1 - self.declined, method="higher"))
        compute = partial(score_filtered, second=second, limit=limit, harmless=self.harmless)
        return ScoringTarget(target, compute, f"{WORDS} (declined={self.declined:g})")


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


def score_filtered(
    model: Target, x: Inputs, *, second: MonotoneModel, limit: float, harmless: int
) -> Floats:
    """Return scores `(n, classes)`; a text beyond the limit of the second model is declined."""
    scores = model.answer(x, View.SCORES).scores
    return decline(scores, second.score(x) > limit, harmless) if len(x) else scores


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
