"""Trainers: an estimator, or a user's function, as a recipe that can be repeated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from goalkeeper.compute.stopwatch import with_cpu_seconds
from goalkeeper.core.application import Ensemble, Target, Trainer
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.learning import Feedback
from goalkeeper.core.steering import Steering
from goalkeeper.targets import PythonTarget, SklearnTarget, TorchTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.torch import is_module
from goalkeeper.training import one_by_one, preprocessing
from goalkeeper.training.checks import (
    check_masks,
    lack_classes,
    require_records,
    run_training,
)
from goalkeeper.training.dispatch import (
    FitJob,
    FitStrategy,
    choose_strategy,
    one_by_one_strategy,
)
from goalkeeper.training.networks import TorchRecipe, TorchTrainer
from goalkeeper.training.preprocessing import PreprocessedData
from goalkeeper.training.recipes import (
    clone_with_seed,
    describe_function,
    describe_recipe,
    index_class_settings,
)
from goalkeeper.training.registry import BATCHED_FITS
from goalkeeper.training.steering import find_steerable, fit_steered
from goalkeeper.training.tree_matrices import fit_pipeline
from goalkeeper.training.updating import update_any, updates_in_place

PROBES = 4  # inputs that show whether a trained function answers labels or scores; a few suffice


class SklearnTrainer:
    """Train clones of one unfitted scikit-learn estimator or pipeline.

    Parameters
    ----------
    estimator
        Unfitted. Every `random_state` in it is set from the seed of each training.
    classes
        The application's classes; models are trained on their indices, and settings such as
        `class_weight` may name them.
    domain
        What an input looks like.
    compute
        Device, precision, processes and memory.
    """

    def __init__(
        self,
        estimator: Any,
        classes: Sequence[str | int],
        domain: Domain,
        *,
        compute: ComputeSettings | None = None,
    ) -> None:
        self.classes = tuple(str(c) for c in classes)
        self.estimator = index_class_settings(estimator, self.classes)
        self.domain, self.compute = domain, compute or ComputeSettings()

    @property
    def recipe(self) -> str:
        """The estimator's class and every parameter that is not a default."""
        return describe_recipe(self.estimator)

    @property
    def strategy(self) -> FitStrategy:
        """How `fit_many` trains, and why."""
        return choose_strategy(self.estimator, self.domain)

    def fit(self, data: Data, seed: int) -> SklearnTarget:
        """Train one target; raises DataError or TargetError where scikit-learn refuses."""
        require_records(data)
        x = prepared(data.x, self.domain)
        model, seconds = with_cpu_seconds(
            lambda: run_training(
                lambda: fit_pipeline(clone_with_seed(self.estimator, seed), x, data.y),
                data,
                self.recipe,
            )
        )
        target = SklearnTarget(model, self.classes, self.domain, indexed=True)
        target.training_seconds = seconds
        return target

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered."""
        return find_steerable(self.estimator)

    def fit_steered(self, data: Data, seed: int, steering: Steering) -> SklearnTarget:
        """Train one target as somebody steers it; raises NotOffered where that is not possible."""
        require_records(data)
        x, args = prepared(data.x, self.domain), (data.y, seed, steering)
        model = run_training(lambda: fit_steered(self.estimator, x, *args), data, self.recipe)
        return SklearnTarget(model, self.classes, self.domain, indexed=True)

    @property
    def updates_in_place(self) -> bool:
        """Whether the last step has `partial_fit`; that alone does not say that it is used."""
        return updates_in_place(self.estimator)

    def update(self, target: Target, data: Data, seed: int, loop: Feedback) -> Target:
        """Update a copy of a target with further records; raises NotOffered where it cannot."""
        return update_any(target, data, seed, loop)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`.

        Simple models are trained together, logistic regression at the optimum that scikit-learn
        approaches; `strategy` says how, and why. Others, and all where a subset lacks a class,
        are trained one by one, each with one thread, in as many processes as `compute.jobs` says;
        preprocessing that looks at no other row is done once for all.

        Raises
        ------
        DataError
            A subset is empty, or scikit-learn refuses it.
        """
        masks = check_masks(data, masks, seeds)
        strategy = self.strategy
        if strategy.kind == "one_by_one" or lack_classes(masks, data.y, len(self.classes)):
            rows = preprocessing.preprocess_once(self.estimator, data, self.domain, masks)
            return one_by_one.fit_many(self._fit_one, rows, masks, seeds, self.compute.jobs)
        parts, classes, domain = strategy.parts, self.classes, self.domain
        job = FitJob(parts, self.estimator, classes, domain, data, masks, self.compute)
        return BATCHED_FITS[strategy.kind](job, lambda i: self.fit(data.take(masks[i]), seeds[i]))

    def _fit_one(self, rows: Data | PreprocessedData, seed: int) -> SklearnTarget:
        """Train one of many targets: with one thread, behind the preprocessing that is done."""
        fresh = one_by_one.limit_to_one_thread(clone_with_seed(self.estimator, seed))
        done = rows.steps if isinstance(rows, PreprocessedData) else ()
        x = rows.x if isinstance(rows, PreprocessedData) else prepared(rows.x, self.domain)
        model = run_training(
            lambda: preprocessing.fit_remaining_steps(fresh, x, rows.y, done), rows, self.recipe
        )
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
    torch_recipe
        How a torch module is trained.
    compute
        Device, precision, processes and memory.
    """

    def __init__(
        self,
        build: Callable[..., Any],
        classes: Sequence[str | int],
        domain: Domain,
        *,
        torch_recipe: TorchRecipe | None = None,
        compute: ComputeSettings | None = None,
    ) -> None:
        self.build, self.domain, self.compute = build, domain, compute or ComputeSettings()
        self.classes = tuple(str(c) for c in classes)
        self._name = getattr(build, "__name__", type(build).__name__)
        self.inner = self._build_inner(torch_recipe)

    @property
    def recipe(self) -> str:
        """The function's name, a hash of its source, and the estimator it builds."""
        function = describe_function(self.build)
        return f"{function} > {self.inner.recipe}" if self.inner else function

    @property
    def strategy(self) -> FitStrategy:
        """How `fit_many` trains, and why."""
        return _opaque_strategy() if self.inner is None else self.inner.strategy

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        if self.inner is not None:
            return self.inner.fit(data, seed)
        require_records(data)
        x = prepared(data.x, self.domain)
        model = run_training(lambda: self.build(x, data.y.copy(), seed), data, f"{self._name}()")
        if is_module(model):
            return TorchTarget(model, self.classes, self.domain)
        if hasattr(model, "predict"):
            return SklearnTarget(model, self.classes, self.domain, indexed=True)
        if callable(model):
            sample = data.x[:PROBES]
            return PythonTarget(model, self.classes, self.domain, sample=sample)
        raise TargetError(
            f"{self._name}() returned {type(model).__name__}; return a fitted estimator with "
            "predict(), or a function that answers"
        )

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        if self.inner is not None:
            return self.inner.fit_many(data, masks, seeds)
        masks = check_masks(data, masks, seeds)
        return one_by_one.fit_many(self.fit, data, masks, seeds, self.compute.jobs)

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered."""
        return getattr(self.inner, "steerable", frozenset())

    def fit_steered(self, data: Data, seed: int, steering: Steering) -> Target:
        """Train one target as somebody steers it; raises NotOffered where that is not possible."""
        steered = getattr(self.inner, "fit_steered", None)
        if steered is None:
            raise NotOffered(f"the training of {self._name}() cannot be steered")
        target: Target = steered(data, seed, steering)
        return target

    @property
    def updates_in_place(self) -> bool:
        """Whether what `build()` returns can be updated; unknown for what is returned fitted."""
        return self.inner is not None and self.inner.updates_in_place

    def update(self, target: Target, data: Data, seed: int, loop: Feedback) -> Target:
        """Update a copy of a target with further records; raises NotOffered where it cannot."""
        if self.inner is not None:
            return self.inner.update(target, data, seed, loop)
        return update_any(target, data, seed, loop)

    def _build_inner(
        self, torch_recipe: TorchRecipe | None
    ) -> SklearnTrainer | TorchTrainer | None:
        """Return the trainer of what `build()` returns; None for `build(x, y, seed)`."""
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
            return TorchTrainer(
                self.build, self.classes, self.domain, torch_recipe, compute=self.compute
            )
        if not hasattr(estimator, "fit"):
            raise TargetError(
                f"{self._name}() returned {type(estimator).__name__}, which has no fit(); "
                "return an unfitted estimator"
            )
        return SklearnTrainer(estimator, self.classes, self.domain, compute=self.compute)


def fit_strategy(trainer: Trainer) -> FitStrategy:
    """Return how `trainer.fit_many` trains many models; `reason` says why, in words."""
    strategy = getattr(trainer, "strategy", None)
    return strategy if isinstance(strategy, FitStrategy) else _opaque_strategy()


def _opaque_strategy() -> FitStrategy:
    return one_by_one_strategy("only the trainer itself knows how it trains")
