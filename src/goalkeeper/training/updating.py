"""Update a trained model with further records, as an application does that learns in place."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.learning import FUNCTION, Feedback
from goalkeeper.targets import PythonTarget, SklearnTarget, TorchTarget
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.torch import is_module
from goalkeeper.training.checks import run_training

SEEDED = 4  # arguments of an update function that also takes a seed


def update_estimator(target: SklearnTarget, data: Data, seed: int, loop: Feedback) -> SklearnTarget:
    """Update a copy of a fitted estimator by `partial_fit`, or by the application's own function.

    Of a pipeline only the last step learns; what comes before it stays as it was fitted.

    Raises
    ------
    NotOffered
        The model has no `partial_fit`, or takes no learning rate.
    DataError, TargetError
        What the model, or the function, raised.
    """
    if loop.learning == FUNCTION:
        return target.with_model(_update_by_function(target.model, data, seed, (target, loop)))
    before, final = split_final(target.model)
    if not updates_in_place(target.model):
        raise NotOffered(f"{type(final).__name__} has no partial_fit")
    if loop.rate is not None:
        raise NotOffered(f"{type(final).__name__} brings its own learning rate; leave out `rate`")
    model, final = _copy_to_update(target.model)
    x, y = prepared(data.x, target.domain), target.names_of(data.y)

    def update() -> Any:
        features = x if before is None else before.transform(x)
        for rows in loop.steps(len(data), np.random.default_rng(seed)):
            final.partial_fit(_take(features, rows), y[rows])
        return model

    return target.with_model(run_training(update, data, f"{type(final).__name__}.partial_fit"))


def updates_in_place(model: Any) -> bool:
    """Tell whether an estimator, or the last step of a pipeline, has `partial_fit`."""
    return hasattr(split_final(model)[1], "partial_fit")


def update_any(target: Target, data: Data, seed: int, loop: Feedback) -> Target:
    """Update what a user's own training has returned."""
    if isinstance(target, SklearnTarget):
        return update_estimator(target, data, seed, loop)
    if loop.learning != FUNCTION:
        raise NotOffered("goalkeeper does not know how the function of `build` trains this model")
    if isinstance(target, TorchTarget):
        return update_module(target, data, seed, loop)
    if isinstance(target, PythonTarget):
        function = _update_by_function(target.function, data, seed, (target, loop))
        return target.with_function(function)
    raise NotOffered(f"a {type(target).__name__} cannot be updated")


def update_module(target: TorchTarget, data: Data, seed: int, loop: Feedback) -> TorchTarget:
    """Hand a copy of a module, and tensors, to the application's own function."""
    module = copy.deepcopy(target.module).requires_grad_(requires_grad=True)
    found = _update_by_function(module, data, seed, (target, loop))
    return TorchTarget(found, target.classes, target.domain, outputs=target.outputs)


def call_update(update: Callable[..., Any], model: Any, x: Any, y: Any, seed: int) -> Any:
    """Call the application's own function; what it returns, or else the model that it changed."""
    needed = [
        p
        for p in inspect.signature(update).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    found = update(model, x, y, seed) if len(needed) >= SEEDED else update(model, x, y)
    return model if found is None else found


def _update_by_function(model: Any, data: Data, seed: int, what: tuple[Any, Feedback]) -> Any:
    """Hand a copy of the model to the application's own function, batch by batch."""
    target, loop = what
    update = loop.update
    if update is None:
        raise NotOffered("the application's own update function is not there")
    rng = np.random.default_rng(seed)
    module = is_module(model)

    def run() -> Any:
        updated = copy.deepcopy(model)
        for rows in loop.steps(len(data), rng):
            part = data.take(rows)
            if module:
                x, y = target.to_tensor(part.x), _as_tensor(part.y)
            else:
                x, y = prepared(part.x, target.domain), part.y
            updated = call_update(update, updated, x, y, int(rng.integers(2**31 - 1)))
        return updated

    return run_training(run, data, f"{getattr(update, '__name__', 'update')}()")


def split_final(model: Any) -> tuple[Any, Any]:
    """Split a pipeline into its preprocessing (None: none) and its final estimator."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        return None, model
    final = model.steps[-1][1]
    return (model[:-1] if len(model.steps) > 1 else None), final


def _copy_to_update(model: Any) -> tuple[Any, Any]:
    """Copy what learns; the steps before it are shared, since nothing changes them."""
    final = split_final(model)[1]
    fresh = copy.deepcopy(final)
    if final is model:
        return fresh, fresh
    pipeline = copy.copy(model)
    pipeline.steps = [*model.steps[:-1], (model.steps[-1][0], fresh)]
    return pipeline, fresh


def _take(features: Any, rows: Ints) -> Any:
    return features.iloc[rows] if hasattr(features, "iloc") else features[rows]


def _as_tensor(y: Ints) -> Any:
    import torch

    return torch.as_tensor(np.array(y))
