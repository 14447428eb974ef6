"""What anybody with data of their own can train without asking the target anything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from goalkeeper.compute.threads import one_thread
from goalkeeper.core.application import Target, Trainer
from goalkeeper.core.data import Data, Inputs, Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View
from goalkeeper.training.families import (
    FOLDS,
    MOST_CHOSEN_ON,
    FamilyModel,
    fit_family,
    list_families,
    predict_held_back,
)

__all__ = ["OwnModels", "TrainedModel", "enough_threads"]

SEED = 0  # whoever trains on the same data gets the same model, so that equal copies tie exactly
RECIPE = "recipe"
FEW_RECORDS = 2000  # up to here a team of threads costs more than it saves


def enough_threads(records: int) -> AbstractContextManager[None]:
    """Return a context in which training on so many records uses no more threads than it needs."""
    return one_thread() if records <= FEW_RECORDS else nullcontext()


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model that a recipe gave, of which only the classes are used."""

    target: Target

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)` of inputs."""
        return self.target.answer(x, View.LABELS).labels


@dataclass(frozen=True, eq=False)
class OwnModels:
    """The models that can be trained on own data: the recipes that are known, and usual families.

    Parameters
    ----------
    domain
        What an input looks like.
    trainers
        Recipes that are known, the one to prefer first.
    """

    domain: Domain
    trainers: Sequence[Trainer] = ()

    def list_compared(self, records: int) -> Ints:
        """List the rows on which kinds are compared, in ascending order."""
        rng = np.random.default_rng(SEED)
        return np.sort(rng.permutation(records)[:MOST_CHOSEN_ON])

    def choose(self, data: Data, answers: Ints) -> str | None:
        """Choose the kind that, trained on true classes, agrees most with answers held back.

        None where the data are of one class; of equal kinds the first is taken.

        Parameters
        ----------
        data
            Own data, with true classes.
        answers
            What the target answers to the rows of `list_compared`, `(m,)`, or what stands in.
        """
        part = data.take(self.list_compared(len(data)))
        if len(np.unique(part.y)) < 2:
            return None
        folds = np.random.default_rng(SEED).permutation(np.arange(len(part)) % FOLDS)
        with one_thread():
            right = {
                kind: int((self._predict_held_back(kind, part, folds) == answers).sum())
                for kind in self.list_kinds(len(data))
            }
        return max(right, key=lambda kind: right[kind])

    def fit(self, kind: str, data: Data, *, quick: bool = False) -> FamilyModel | TrainedModel:
        """Train a kind on data of at least two classes; families may be smaller if `quick`."""
        if kind.startswith(RECIPE):
            trainer = self.trainers[int(kind.removeprefix(RECIPE))]
            train = getattr(trainer, "fit_kept", trainer.fit)  # the same for all who have the data
            return TrainedModel(train(data, SEED))
        with enough_threads(len(data)):
            return fit_family(kind, data, self.domain, SEED, quick=quick)

    def list_kinds(self, records: int) -> Sequence[str]:
        """List what can be trained on so many records."""
        recipes = [f"{RECIPE}{i}" for i in range(len(self.trainers))]
        return (*recipes, *list_families(self.domain, records))

    def _predict_held_back(self, kind: str, data: Data, folds: Ints) -> Ints:
        """Predict each record `(n,)` by a model of the other folds; -1 where there is none."""
        if not kind.startswith(RECIPE):
            return predict_held_back(kind, data, self.domain, folds, SEED)
        trainer = self.trainers[int(kind.removeprefix(RECIPE))]
        try:  # a recipe may refuse so few records, or a fold without one of the classes
            models = trainer.fit_many(data, folds != np.arange(FOLDS)[:, None], [SEED] * FOLDS)
            return np.asarray(models.labels(data.x)[folds, np.arange(len(data))])
        except (DataError, TargetError):
            return np.full(len(data), -1)
