"""Recipes in words that identify them, and seeds set in every corner of an estimator."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.data import fingerprint
from goalkeeper.core.errors import TargetError

# Settings that name classes: as the keys of a mapping, as a value, and by the order of numbers.
BY_CLASS = ("class_weight", "class_weights", "sampling_strategy")
A_CLASS = ("pos_label", "outlier_label")
IN_ORDER = ("priors", "class_prior")


def describe_recipe(value: Any) -> str:
    """Say what an estimator is: its class, and every parameter that is not the default.

    Seeds are left out: they belong to a training, not to the recipe.
    """
    if not hasattr(value, "get_params") or isinstance(value, type):
        return _describe_value(value)
    name = type(value).__qualname__
    if not type(value).__module__.startswith("sklearn."):
        name = f"{type(value).__module__}.{name}"
    defaults = inspect.signature(type(value).__init__).parameters
    changed = []
    for key, given in sorted(value.get_params(deep=False).items()):
        default = defaults[key].default if key in defaults else inspect.Parameter.empty
        text = describe_recipe(given)
        if key != "random_state" and text != describe_recipe(default):
            changed.append(f"{key}={text}")
    return f"{name}({', '.join(changed)})"


def describe_function(function: Callable[..., Any]) -> str:
    """Name a function and hash its source, so that a changed function is another recipe."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    module = getattr(function, "__module__", "") or type(function).__module__
    try:
        source = inspect.getsource(function).encode()
    except (OSError, TypeError):  # written at a prompt, or not in Python: its byte code then
        code = getattr(function, "__code__", None)
        source = b"" if code is None else code.co_code + repr(code.co_names).encode()
    words = f"function {module}.{name}"
    return f"{words} #{hashlib.blake2b(source, digest_size=6).hexdigest()}" if source else words


def fresh_copy(estimator: Any) -> Any:
    """Clone an unfitted estimator; copy it where its class changes what it is given.

    CatBoost keeps a copy of its lists, which scikit-learn takes for another parameter.
    """
    from sklearn.base import clone

    try:
        return clone(estimator)
    except RuntimeError:
        return copy.deepcopy(estimator)


def clone_with_seed(estimator: Any, seed: int) -> Any:
    """Clone an estimator and set every `random_state` inside it from one seed."""
    fresh = fresh_copy(estimator)
    keys = sorted(
        key
        for key in fresh.get_params(deep=True)
        if key == "random_state" or key.endswith("__random_state")
    )
    if keys:
        # Each part has a state of its own; 31 bits, since LightGBM and others take signed integers.
        drawn = np.random.SeedSequence(seed).generate_state(len(keys)) >> 1
        fresh.set_params(**{key: int(state) for key, state in zip(keys, drawn, strict=True)})
    return fresh


def index_class_settings(estimator: Any, classes: Sequence[str]) -> Any:
    """Return an estimator whose settings name classes by their indices, as trainings do.

    These are mappings by class (`class_weight`, `sampling_strategy`), and a class itself
    (`pos_label`, `outlier_label`, the constant that a `DummyClassifier` answers). What names no
    class of the application was written for indices, and stays.
    """
    from sklearn.dummy import DummyClassifier

    index = {name: i for i, name in enumerate(classes)}
    changed: dict[str, Any] = {}
    for key, value in _settings_of(estimator).items():
        name = key.rpartition("__")[2]
        if name in BY_CLASS and isinstance(value, dict) and _all_named(value, index):
            changed[key] = {index[str(c)]: weight for c, weight in value.items()}
        elif name in A_CLASS and _all_named([value], index):
            changed[key] = index[str(value)]
        elif isinstance(value, DummyClassifier) and _all_named([value.constant], index):
            changed[f"{key}__constant"] = index[str(value.constant)]
    if isinstance(estimator, DummyClassifier) and _all_named([estimator.constant], index):
        changed["constant"] = index[str(estimator.constant)]
    return fresh_copy(estimator).set_params(**changed) if changed else estimator


def refuse_unsorted_priors(estimator: Any, classes: Sequence[str]) -> None:
    """Refuse numbers by the order of the classes (`priors`) where two orders are possible.

    scikit-learn sorts the names of classes; goalkeeper trains on the order of the application.

    Raises
    ------
    TargetError
        The application lists its classes in another order than scikit-learn.
    """
    in_order = _sorted_classes(classes)
    for key, value in _settings_of(estimator).items():
        if key.rpartition("__")[2] not in IN_ORDER or in_order == list(classes):
            continue
        if np.shape(value) == (len(classes),) and len(np.unique(value)) > 1:
            raise TargetError(
                f"{key} has one number for each class, in an order that can be read in two ways: "
                f"the application lists {', '.join(classes)}, and scikit-learn sorts the names "
                f"as {', '.join(in_order)}",
                f"write `classes: [{', '.join(in_order)}]`, and {key} in this order",
            )


def _sorted_classes(classes: Sequence[str]) -> list[str]:
    """Sort classes as `classes_` of an estimator is: numbers by value, others by their words."""
    try:
        return sorted(classes, key=float)
    except ValueError:
        return sorted(classes)


def _settings_of(estimator: Any) -> dict[str, Any]:
    found: dict[str, Any] = estimator.get_params(deep=True) if hasattr(estimator, "fit") else {}
    return found


def _all_named(values: Iterable[Any], index: Mapping[str, int]) -> bool:
    return all(isinstance(v, Hashable) and str(v) in index for v in values)


def _describe_value(value: Any) -> str:
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray):
        return f"array {value.shape} #{fingerprint(value)[:12]}"
    if isinstance(value, list | tuple):
        inside = ", ".join(describe_recipe(v) for v in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe_recipe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, value))) + "}"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return describe_function(value) if callable(value) else repr(value)
