"""What defences share that train something beside the model, and decline what it speaks against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.defences._answers import ScoringTarget, decline, stored_behind
from goalkeeper.defences._training import NO_RECIPE, retrained, stored_again, trainer_of
from goalkeeper.training.one_by_one import SeparateModels


class Detector(Protocol):
    """Says how much speaks against an input."""

    def score(self, x: Inputs) -> Floats:
        """Score inputs `(n, ...)`, `(n,)`: the higher, the more speaks against them."""
        ...


def lacks_for_declining(app: Application, fewest: int) -> str:
    """Say what an application lacks: a recipe, a harmless class, scores, harmless records."""
    if app.trainer is None:
        return NO_RECIPE
    if app.harmless is None:
        return "no class is named harmless"
    if app.target.offers < View.SCORES:
        return "the model gives no scores"
    few = f"fewer than {fewest} calibration records are harmless"
    return few if (app.data.calibration.y == app.harmless).sum() < fewest else ""


def train_declining(
    app: Application, learn: Callable[[Data], Detector], declined: float, words: str
) -> Application:
    """Return the application with a model that declines what a detector speaks against.

    Parameters
    ----------
    app
        An application that lacks nothing (`lacks_for_declining`); one without a harmless class
        raises TargetError.
    learn
        Makes the detector from the records that the model is trained on.
    declined
        Share of ordinary harmless inputs that the detector may decline.
    words
        What it does, for the recipe and the description of the model.
    """
    if app.harmless is None:
        raise TargetError(lacks_for_declining(app, 1))
    calibration = app.data.calibration
    ordinary = calibration.x[calibration.y == app.harmless]
    trainer = DecliningTrainer(trainer_of(app), learn, ordinary, app.harmless, declined, words)
    made = retrained(replace(app, storage=None), trainer)
    target = made.target
    if not isinstance(target, ScoringTarget):
        return made
    storage = stored_behind(app.storage, target.compute, target.words)
    return replace(made, storage=stored_again(storage, target))


@dataclass(frozen=True, eq=False)
class DecliningTrainer:
    """Trains a model, and a detector of what is declined, on the same records.

    Parameters
    ----------
    inner
        The application's own trainer.
    learn
        Makes the detector from records.
    ordinary
        Harmless inputs that neither is trained on: they show what is usual.
    harmless
        Class that a declined input does not get.
    declined
        Share of ordinary inputs that is declined.
    words
        What the detector does.
    """

    inner: Trainer
    learn: Callable[[Data], Detector]
    ordinary: Inputs
    harmless: int
    declined: float
    words: str

    @property
    def recipe(self) -> str:
        """The recipe, and how much is declined."""
        return f"{self.inner.recipe} > {self._named()}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self._behind(self.inner.fit(data, seed), data)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        models = self.inner.fit_many(data, masks, seeds)
        return SeparateModels(
            [self._behind(models.target(i), data.take(mask)) for i, mask in enumerate(masks)]
        )

    def _behind(self, target: Target, data: Data) -> Target:
        detector = self.learn(data)
        usual = detector.score(self.ordinary)
        # An observed score, so that inputs which score the same are never declined with it.
        limit = float(np.quantile(usual, 1 - self.declined, method="higher"))
        compute = partial(score_declining, detector=detector, limit=limit, harmless=self.harmless)
        return ScoringTarget(target, compute, self._named())

    def _named(self) -> str:
        return f"{self.words} (declined={self.declined:g})"


def score_declining(
    model: Target, x: Inputs, *, detector: Detector, limit: float, harmless: int
) -> Floats:
    """Return scores `(n, classes)`; an input beyond the limit of the detector is declined."""
    scores = model.answer(x, View.SCORES).scores
    return decline(scores, detector.score(x) > limit, harmless) if len(x) else scores
