"""What defences that change the training share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goalkeeper.core.application import Application, Ensemble, Storage, Target, Trainer
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.retrained import columns_read_by
from goalkeeper.defences._files import renewed_check
from goalkeeper.training import (
    FunctionTrainer,
    SklearnTrainer,
    TorchTrainer,
    fit_one_by_one,
    lookalike,
)

SEED = 0  # of the model that serves, as where a description builds it
KNOWN_NOISE = (
    f"the noise of this model is drawn from seed {SEED}, so that the assessment can be repeated: "
    "whoever knows the seed can take the noise away, so train the model that serves with a secret "
    "one"
)
NO_RECIPE = "its training is not described (model.build), so it cannot be trained again"


def trainer_of(app: Application) -> Trainer:
    """Return the application's own trainer; raises TargetError where it has none."""
    if app.trainer is None:
        raise TargetError(NO_RECIPE)
    return app.trainer


def inner_trainer(app: Application) -> Trainer | None:
    """Return the trainer of the estimator or network itself, behind a function that builds it."""
    trainer = app.trainer
    return trainer.inner or trainer if isinstance(trainer, FunctionTrainer) else trainer


def retrained(app: Application, trainer: Trainer) -> Application:
    """Return the application with another trainer and the model that it trains.

    An attacker who knows the algorithm partially still trains a generic model of the same family,
    and the model is stored and protected as the old one was.
    """
    fit = trainer.fit_cached if isinstance(trainer, TorchTrainer) else trainer.fit
    target = fit(app.data.train, SEED)
    generic = app.lookalike
    if isinstance(trainer, SklearnTrainer | TorchTrainer | FunctionTrainer):
        generic = lookalike(trainer, target)
    return replace(
        app,
        trainer=trainer,
        target=target,
        lookalike=generic,
        storage=stored_again(app.storage, target),
    )


def noting_noise(app: Application) -> Application:
    """Note that the noise of a private model is drawn from a seed that everybody knows.

    So an assessment can be repeated. The guarantee holds for who cannot work the noise out.
    """
    return replace(app, caveats=(*app.caveats, KNOWN_NOISE))


def stored_again(storage: Storage | None, target: Target) -> Storage | None:
    """Return how the new model is stored: in the same format, behind the same checks.

    None where it cannot be stored in that format, as several models cannot that vote.
    """
    if storage is None:
        return None
    try:
        content = storage.save(target)
    except NotOffered:
        return None
    return replace(storage, read=lambda: content, check=renewed_check(storage, content))


def parameter_named(app: Application, names: Collection[str]) -> str:
    """Find the outermost parameter of the estimator with one of these names; empty: none.

    The whole name is returned, as `set_params` takes it.
    """
    trainer = inner_trainer(app)
    if not isinstance(trainer, SklearnTrainer):
        return ""
    known = trainer.estimator.get_params(deep=True)
    found = [key for key in known if key.rpartition("__")[2] in names]
    return min(found, key=len, default="")


def parameter_value(app: Application, name: str) -> float:
    """Return the number that a parameter of the estimator is set to; 0 where it is none."""
    trainer = inner_trainer(app)
    known = trainer.estimator.get_params(deep=True) if isinstance(trainer, SklearnTrainer) else {}
    value = known.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def with_settings(app: Application, settings: dict[str, Any]) -> SklearnTrainer:
    """Return the trainer of the same estimator with other parameters; raises TargetError."""
    trainer = inner_trainer(app)
    if not isinstance(trainer, SklearnTrainer):
        raise TargetError("its recipe is no estimator with parameters")
    estimator = copy.deepcopy(trainer.estimator).set_params(**settings)
    return SklearnTrainer(estimator, trainer.classes, trainer.domain, compute=trainer.compute)


@dataclass(frozen=True, eq=False)
class PreparingTrainer:
    """Another trainer, on records that a defence has prepared.

    Parameters
    ----------
    inner
        The application's own trainer.
    prepare
        Returns the records that are trained on, from the records that there are and a seed. It
        sees nothing else that an attacker may have changed.
    words
        What is prepared, in words that identify it, settings included.
    columns_read
        What `prepare` looks at beside inputs and classes.
    """

    inner: Trainer
    prepare: Callable[[Data, int], Data]
    words: str
    columns_read: frozenset[str] = frozenset()

    @property
    def recipe(self) -> str:
        """What is prepared, and the recipe behind it."""
        return f"{self.words} > {self.inner.recipe}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target on the prepared records."""
        return self.inner.fit(self.prepare(data, seed), seed)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets, each on what is prepared of the rows of its mask."""
        jobs: int = getattr(getattr(self.inner, "compute", None), "jobs", 1)
        return fit_one_by_one(self.fit, data, masks, seeds, jobs, columns_read_by(self))
