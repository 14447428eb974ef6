"""Trainers: an estimator, or a user's function, as a recipe that can be repeated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.application import Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import DataError, GoalkeeperError, NotOffered, TargetError
from goalkeeper.core.means import Means
from goalkeeper.core.steering import Steering
from goalkeeper.targets import PythonTarget, SklearnTarget, TorchTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.torch import is_module
from goalkeeper.training import fronts, generic
from goalkeeper.training.fast import FAST
from goalkeeper.training.networks import TorchRecipe, TorchTrainer
from goalkeeper.training.paths import Job, Path, path_of
from goalkeeper.training.recipes import function_recipe, recipe_of, seeded
from goalkeeper.training.steering import steerable, steered_model

SAMPLE = 4  # inputs used to find out what a trained function answers


class SklearnTrainer:
    """Train clones of one unfitted scikit-learn estimator or pipeline.

    Parameters
    ----------
    estimator
        Unfitted. Every `random_state` in it is set from the seed of each training.
    classes
        The application's classes; models are trained on their indices.
    domain
        What an input looks like.
    means
        What this machine computes with.
    """

    def __init__(
        self,
        estimator: Any,
        classes: Sequence[str | int],
        domain: Domain,
        *,
        means: Means | None = None,
    ) -> None:
        self.estimator, self.domain, self.means = estimator, domain, means or Means()
        self.classes = tuple(str(c) for c in classes)

    @property
    def recipe(self) -> str:
        """The estimator's class and every parameter that is not a default."""
        return recipe_of(self.estimator)

    def path(self) -> Path:
        """Tell how `fit_many` trains, and why."""
        return path_of(self.estimator, self.domain)

    def fit(self, data: Data, seed: int) -> SklearnTarget:
        """Train one target; raises DataError or TargetError where scikit-learn refuses."""
        _check_rows(data)
        x = prepared(data.x, self.domain)
        model = trained(lambda: seeded(self.estimator, seed).fit(x, data.y), data, self.recipe)
        return SklearnTarget(model, self.classes, self.domain, indexed=True)

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered."""
        return steerable(self.estimator)

    def steered(self, data: Data, seed: int, steering: Steering) -> SklearnTarget:
        """Train one target as somebody steers it; raises NotOffered where that is not possible."""
        _check_rows(data)
        x, args = prepared(data.x, self.domain), (data.y, seed, steering)
        model = trained(lambda: steered_model(self.estimator, x, *args), data, self.recipe)
        return SklearnTarget(model, self.classes, self.domain, indexed=True)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`.

        Simple models are trained together, logistic regression at the optimum that scikit-learn
        approaches; `how(trainer)` says which path is taken. Others are trained one by one, each
        with one thread, in as many processes as `means.jobs` says; preprocessing that looks at
        no other row is done once for all.

        Raises
        ------
        DataError
            A subset is empty, or, on the fast paths, lacks a class.
        """
        masks = checked_masks(data, masks, seeds)
        path = self.path()
        if path.kind == "generic":
            rows = fronts.shared(self.estimator, data, self.domain, masks)
            return generic.fit_many(self._fit_one, rows, masks, seeds, self.means.jobs)
        job = Job(path, self.estimator, self.classes, self.domain, data, masks, self.means)
        return FAST[path.kind](job, lambda i: self.fit(data.take(masks[i]), seeds[i]))

    def _fit_one(self, rows: Data | fronts.Features, seed: int) -> SklearnTarget:
        """Train one of many targets: with one thread, behind the preprocessing that is done."""
        fresh = generic.one_thread(seeded(self.estimator, seed))
        done = rows.steps if isinstance(rows, fronts.Features) else ()
        x = rows.x if isinstance(rows, fronts.Features) else prepared(rows.x, self.domain)
        model = trained(lambda: fronts.fitted(fresh, x, rows.y, done), rows, self.recipe)
        return SklearnTarget(model, self.classes, self.domain, indexed=True)


class FunctionTrainer:
    """Train with a user's function.

    Parameters
    ----------
    build
        `build()` returns an unfitted estimator or an untrained torch module, or
        `build(x, y, seed)` a fitted one (or a function that answers). `x` is prepared for the
        model, `y (n,)` holds indices of classes.
    classes
        The application's classes.
    domain
        What an input looks like.
    how
        How a torch module is trained.
    means
        What this machine computes with.
    """

    def __init__(
        self,
        build: Callable[..., Any],
        classes: Sequence[str | int],
        domain: Domain,
        *,
        how: TorchRecipe | None = None,
        means: Means | None = None,
    ) -> None:
        self.build, self.domain, self.means, self._how = build, domain, means or Means(), how
        self.classes = tuple(str(c) for c in classes)
        self._name = getattr(build, "__name__", type(build).__name__)
        self.inner = self._estimator_trainer()

    @property
    def recipe(self) -> str:
        """The function's name, a hash of its source, and the estimator it builds."""
        said = function_recipe(self.build)
        return f"{said} > {self.inner.recipe}" if self.inner else said

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        if self.inner is not None:
            return self.inner.fit(data, seed)
        _check_rows(data)
        x = prepared(data.x, self.domain)
        model = trained(lambda: self.build(x, data.y.copy(), seed), data, f"{self._name}()")
        if is_module(model):
            return TorchTarget(model, self.classes, self.domain)
        if hasattr(model, "predict"):
            return SklearnTarget(model, self.classes, self.domain, indexed=True)
        if callable(model):
            sample = data.x[:SAMPLE]
            return PythonTarget(model, self.classes, self.domain, sample=sample)
        raise TargetError(
            f"{self._name}() returned {type(model).__name__}; return a fitted estimator with "
            "predict(), or a function that answers"
        )

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        if self.inner is not None:
            return self.inner.fit_many(data, masks, seeds)
        masks = checked_masks(data, masks, seeds)
        return generic.fit_many(self.fit, data, masks, seeds, self.means.jobs)

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered."""
        return getattr(self.inner, "steerable", frozenset())

    def steered(self, data: Data, seed: int, steering: Steering) -> Target:
        """Train one target as somebody steers it; raises NotOffered where that is not possible."""
        steered = getattr(self.inner, "steered", None)
        if steered is None:
            raise NotOffered(f"the training of {self._name}() cannot be steered")
        target: Target = steered(data, seed, steering)
        return target

    def _estimator_trainer(self) -> SklearnTrainer | TorchTrainer | None:
        needed = [
            p
            for p in inspect.signature(self.build).parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        if len(needed) == 3:
            return None
        if needed:
            raise TargetError(
                f"{self._name}() takes {[p.name for p in needed]}; write build(), which returns "
                "an unfitted estimator, or build(x, y, seed), which returns a fitted one"
            )
        estimator = self.build()
        if is_module(estimator):
            return TorchTrainer(self.build, self.classes, self.domain, self._how, means=self.means)
        if not hasattr(estimator, "fit"):
            raise TargetError(
                f"{self._name}() returned {type(estimator).__name__}, which has no fit(); "
                "return an unfitted estimator"
            )
        return SklearnTrainer(estimator, self.classes, self.domain, means=self.means)


def how(trainer: Trainer) -> str:
    """Say in words how `trainer.fit_many` trains many models, and why."""
    inner = trainer.inner if isinstance(trainer, FunctionTrainer) else trainer
    if isinstance(inner, SklearnTrainer):
        return inner.path().why
    if isinstance(inner, TorchTrainer):
        return inner.way()
    return "one after the other: only the trainer itself knows how it trains"


def trained(train: Callable[[], Any], data: Data | fronts.Features, what: str) -> Any:
    """Run one training; what it raises becomes a DataError or TargetError that names it."""
    try:
        return train()
    except GoalkeeperError:
        raise
    except Exception as error:  # the user's own training may raise anything
        counts = dict(zip(*np.unique(data.y, return_counts=True), strict=True))
        said = ", ".join(f"class {int(c)}: {int(n)}" for c, n in counts.items())
        kind = DataError if isinstance(error, ValueError) else TargetError
        raise kind(
            f"training {what} on {len(data)} records ({said}) raised "
            f"{type(error).__name__}: {error}; give more records, or correct the recipe"
        ) from error


def checked_masks(data: Data, masks: Bools, seeds: Sequence[int]) -> Bools:
    """Check masks `(N, rows)` and seeds; raises DataError that names the model."""
    masks = np.asarray(masks, dtype=bool)
    if masks.ndim != 2 or masks.shape[1] != len(data) or len(masks) != len(seeds):
        raise DataError(
            f"masks of shape {masks.shape} with {len(seeds)} seeds do not fit {len(data)} "
            "records; give one row a model, one column a record, and one seed a model"
        )
    empty = ~masks.any(axis=1)
    if empty.any():
        raise DataError(
            f"model {int(np.argmax(empty))} of {len(masks)} has no records; "
            "give every model at least one record of every class"
        )
    return masks


def _check_rows(data: Data) -> None:
    if len(data) == 0:
        raise DataError("there are no records to train on; give at least one of every class")
