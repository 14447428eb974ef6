"""An attacker's own training, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from goalkeeper.core.application import Ensemble, Target, Trainer
from goalkeeper.core.cost import Meter
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.deadline import check_time
from goalkeeper.core.reference import Trainings, TrainingSets


class MeteredTrainer:
    """The attacker's own training: the same trainer, counted."""

    def __init__(self, trainer: Trainer, meter: Meter, trainings: Trainings) -> None:
        self._trainer, self._meter, self._trainings = trainer, meter, trainings

    @property
    def recipe(self) -> str:
        """What the trainer does, in words."""
        return self._trainer.recipe

    def changed(self, change: Callable[[Trainer], Trainer]) -> MeteredTrainer:
        """Return what `change` makes of the recipe, counted as well."""
        return MeteredTrainer(change(self._trainer), self._meter, self._trainings)

    def fit(self, data: Data, seed: int) -> Target:
        """Train one model."""
        check_time()
        self._meter.models += 1
        return self._trainer.fit(data, seed)

    def fit_kept(self, data: Data, seed: int) -> Target:
        """Train one model, or find what another attack or the game trained of the same."""
        check_time()
        self._meter.models += 1
        return self._trainings.alone(self._trainer, data, seed)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train a model on each subset `(models, rows)`."""
        check_time()
        self._meter.models += len(masks)
        return self._trainer.fit_many(data, masks, seeds)

    def fit_shared(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train a model on each subset, or find what another attack trained of the same.

        Counted as `fit_many` counts. Only what is drawn from `Access.shared_rng` is the same for
        another attack.
        """
        check_time()
        self._meter.models += len(masks)
        sets = TrainingSets(data=data, masks=masks, seeds=seeds)
        return self._trainings.trained(self._trainer, sets)
