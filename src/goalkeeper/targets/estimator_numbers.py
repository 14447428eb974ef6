"""The numbers that a fitted estimator stores: found in all that it refers to, and written back.

Every floating-point number that fitting left in an object counts: arrays, single numbers, the
values of sparse matrices, the thresholds and leaves of trees, what search trees of neighbours keep.
Settings that were given before the fit, and what training leaves behind without use, do not.
"""

from __future__ import annotations

import copy
import types
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import NotOffered
from goalkeeper.targets import booster_numbers

Arrays = dict[str, NDArray[Any]]

MOST = 200_000  # objects that are looked into; whoever refers to more is no usual model

# What training leaves behind and no answer is computed from, and names of classes and categories.
UNUSED = frozenset({
    "_best_coefs", "_best_intercepts", "_bin_mapper", "_loss", "_optimizer", "_random_state",
    "best_loss_", "best_params_", "best_score_", "categories_", "class_count_", "classes_",
    "cv_results_", "data_max_", "data_min_", "data_range_", "epsilon_", "explained_variance_",
    "explained_variance_ratio_", "feature_count_", "feature_importances_", "loss_", "loss_curve_",
    "n_samples_seen_", "noise_variance_", "oob_decision_function_", "oob_improvement_",
    "oob_score_", "refit_time_", "singular_values_", "train_score_", "validation_score_",
    "validation_scores_",
})  # fmt: skip


def read(model: Any) -> Arrays:
    """Copy the numbers that a fitted model stores, by the path to each array.

    A path reads like the expression by which Python finds the array, e.g.
    `standardscaler.scale_`, with the steps of a pipeline by their names.

    Raises
    ------
    NotOffered
        The model refers to too much to look into.
    """
    reader = _Reader()
    reader.walk(model, "")
    return reader.found


def replace_numbers(model: Any, numbers: Mapping[str, NDArray[Any]]) -> Any:
    """Copy a fitted model with other numbers; what does not change is shared with the model.

    Raises
    ------
    NotOffered
        The model stores no array of such a name, or one of another shape or kind.
    TargetError
        The model's library does not take the numbers.
    """
    writer = _Writer(numbers)
    changed = writer.walk(model, "")
    missing = sorted(set(numbers) - writer.met)
    if missing:
        raise NotOffered(f"the model stores no numbers of the name {missing[0]!r}")
    return changed


class _Walk(ABC):
    """Goes through all that a model refers to, each object once, and rebuilds what changed."""

    def __init__(self) -> None:
        self._done: dict[Any, Any] = {}  # by place in memory: what became of it
        self._kept: list[Any] = []  # so that no place in memory is used twice meanwhile
        self._names: set[str] = set()

    def note(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Take note of an array by a name of its own."""
        while name in self._names:
            name += "'"
        self._names.add(name)
        return self.leaf(name, values)

    @abstractmethod
    def leaf(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Take note of an array, and return what it becomes: the same one, if nothing changes."""

    def walk(self, value: Any, name: str) -> Any:
        """Return what becomes of a value; the same object, if nothing in it changes."""
        if isinstance(value, float | np.floating):
            return self._number(value, name)
        if isinstance(value, np.ndarray):
            return self._array(value, name)
        if not _has_parts(value):
            return value
        if id(value) in self._done:
            return self._done[id(value)]
        if len(self._kept) > MOST:
            raise NotOffered("the model refers to too many objects to look into")
        self._done[id(value)] = value  # met again inside itself, it stays what it is
        self._kept.append(value)
        self._done[id(value)] = self._parts(value, name)
        return self._done[id(value)]

    def _number(self, value: Any, name: str) -> Any:
        kind = value.dtype if isinstance(value, np.floating) else np.dtype(np.float64)
        old = np.array(value, dtype=kind)
        new = self.note(name, old)
        return value if new is old else type(value)(new[()])

    def _array(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        if values.dtype == object:
            return self._objects(values, name)
        if values.dtype.names:
            return self._fields(values, name)
        if values.dtype.kind != "f" or values.dtype.itemsize > 8 or not values.size:
            return values
        place = (values.__array_interface__["data"][0], values.shape, values.strides)
        if place not in self._done:  # the same memory by another name is the same number
            self._kept.append(values)
            self._done[place] = self.note(name, values)
        changed: NDArray[Any] = self._done[place]
        return changed

    def _objects(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        parts = list(values.ravel())
        new = [self.walk(part, f"{name}[{i}]") for i, part in enumerate(parts)]
        if all(a is b for a, b in zip(parts, new, strict=True)):
            return values
        out = np.empty(len(new), dtype=object)
        out[:] = new
        return out.reshape(values.shape)

    def _fields(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        out = values
        for field in values.dtype.names or ():
            if field in ("value", "threshold", "num_threshold", "radius"):  # else: of training
                old = np.ascontiguousarray(values[field])
                new = self._array(old, _joined(name, field))
                if new is not old:
                    out = out.copy() if out is values else out
                    out[field] = new
        return out

    def _parts(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return self._mapping(value, name)
        if isinstance(value, list | tuple):
            return self._sequence(value, name)
        if booster_numbers.is_booster(value):
            return self._booster(value, name)
        if _keeps_state(value):
            return self._state(value, name)
        return self._attributes(value, name)

    def _mapping(self, value: dict[Any, Any], name: str) -> Any:
        new = {
            key: self.walk(part, f"{name}[{key!r}]")
            for key, part in value.items()
            if not isinstance(part, PLAIN)  # a vocabulary has thousands of words
        }
        if all(part is value[key] for key, part in new.items()):
            return value
        changed = copy.copy(value)
        changed.update(new)
        return changed

    def _sequence(self, value: list[Any] | tuple[Any, ...], name: str) -> Any:
        new = [
            part if isinstance(part, PLAIN) else self.walk(part, _item(name, i, value))
            for i, part in enumerate(value)
        ]
        if all(a is b for a, b in zip(value, new, strict=True)):
            return value
        if isinstance(value, tuple):
            make: Any = getattr(type(value), "_make", type(value))
            return make(new)
        changed = copy.copy(value)
        changed[:] = new
        return changed

    def _attributes(self, value: Any, name: str) -> Any:
        changed = value
        for key, part in _attributes_of(value):
            new = self.walk(part, _step(name, key))
            if new is not part:
                changed = copy.copy(value) if changed is value else changed
                vars(changed)[key] = new
        return changed

    def _state(self, value: Any, name: str) -> Any:
        """Go through an object of compiled code by the state that it is stored as."""
        state = value.__getstate__()
        if isinstance(state, dict):  # a tree: nodes and values
            new: Any = dict(state)
            for key in ("nodes", "values"):
                inner = name if key == "nodes" else _joined(name, "value")
                new[key] = self._array(state[key], inner)
            same = all(new[key] is state[key] for key in state)
        else:  # a search tree of neighbours: records, and bounds of nodes
            new = [
                self._array(part, f"{name}[{i}]") if isinstance(part, np.ndarray) else part
                for i, part in enumerate(state)
            ]
            same = all(a is b for a, b in zip(new, state, strict=True))
            new = tuple(new)
        if same:
            return value
        changed = copy.copy(value)
        changed.__setstate__(new)
        return changed

    def _booster(self, value: Any, name: str) -> Any:
        old = booster_numbers.read(value)
        new = {key: self.note(_joined(name, key), values) for key, values in old.items()}
        changed = {key: values for key, values in new.items() if values is not old[key]}
        return booster_numbers.replace_numbers(value, changed) if changed else value


class _Reader(_Walk):
    """Copies every array by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Arrays = {}

    def leaf(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        self.found[name] = np.array(values, order="C")
        return values


class _Writer(_Walk):
    """Puts other arrays in the place of those of the same name."""

    def __init__(self, numbers: Mapping[str, NDArray[Any]]) -> None:
        super().__init__()
        self._numbers = numbers
        self.met: set[str] = set()

    def leaf(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        if name not in self._numbers:
            return values
        self.met.add(name)
        new = np.asarray(self._numbers[name])
        if new.shape != values.shape or new.dtype != values.dtype:
            raise NotOffered(
                f"{new.dtype} of shape {new.shape} does not fit {name!r}, which the model stores "
                f"as {values.dtype} of shape {values.shape}"
            )
        same = new.tobytes() == values.tobytes()
        return values if same else np.array(new, order="K")


# ---- what has parts, and by what names -----------------------------------------------------------

PLAIN = (str, int, np.integer)
LEAVES = (
    *PLAIN,
    bytes,
    complex,
    np.generic,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    type,
    np.ufunc,
    np.random.Generator,
    np.random.RandomState,
)


def _has_parts(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return True
    if value is None or isinstance(value, LEAVES):
        return False
    return hasattr(value, "__dict__") or _keeps_state(value)


def _keeps_state(value: Any) -> bool:
    """Tell whether this is a tree of scikit-learn's compiled code."""
    kind = type(value)
    ours = kind.__module__ in ("sklearn.tree._tree", "sklearn.neighbors._kd_tree") or (
        kind.__module__ == "sklearn.neighbors._ball_tree"
    )
    return ours and hasattr(value, "__setstate__")


def _attributes_of(value: Any) -> Iterator[tuple[str, Any]]:
    """List the attributes that may hold numbers: not what training leaves behind, nor settings."""
    settings = _settings_of(value)
    for key, part in vars(value).items():
        if key not in UNUSED and (key not in settings or _holds_models(part)):
            yield key, part


def _settings_of(value: Any) -> frozenset[str]:
    """Name what an estimator was given before it was fitted."""
    if not callable(getattr(value, "get_params", None)) or not hasattr(value, "fit"):
        return frozenset()  # a kernel has settings, too, and its fit writes them
    try:
        return frozenset(value.get_params(deep=False))
    except Exception:  # noqa: BLE001 - of the user's own: then all it has counts
        return frozenset()


def _holds_models(value: Any) -> bool:
    """Tell whether a setting is a model, or a list of models, which may be fitted itself."""
    if isinstance(value, list | tuple):
        return any(_holds_models(part) for part in value)
    return not isinstance(value, type) and (hasattr(value, "fit") or hasattr(value, "transform"))


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _step(name: str, key: str) -> str:
    """Name an attribute; the steps of a pipeline go by their own names."""
    return name if key in ("steps", "transformer_list") else _joined(name, key)


def _item(name: str, i: int, value: list[Any] | tuple[Any, ...]) -> str:
    """Name a part of a sequence; of a pair of a name and a model, the model has that name."""
    if isinstance(value, tuple) and len(value) > 1 and isinstance(value[0], str):
        return _joined(name.rpartition("[")[0] if name.endswith("]") else name, value[0])
    return f"{name}[{i}]"
