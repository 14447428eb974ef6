"""Values that whoever gets them cannot change: what is shared is handed out in this form."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

Key = TypeVar("Key")
Value = TypeVar("Value")
Anything = TypeVar("Anything")
Guard = Callable[[Any], Any]  # makes an array read-only


class FrozenMapping(Mapping[Key, Value]):
    """A mapping without a way to change it, which can be pickled and copied."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[Key, Value]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: Key) -> Value:
        return self._values[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


def read_only(value: Anything) -> Anything:
    """Return the same value in a form that cannot be written to; nothing large is copied.

    Arrays become views that refuse writing, dicts `FrozenMapping`, lists tuples, sets frozensets;
    the fields of a frozen dataclass are treated alike. What has a memory of its own that numpy
    does not guard (data frames, sparse matrices) is copied. Anything else, a function or a model,
    is returned as it is.
    """
    frozen: Any = _read_only(value, _view)
    return frozen  # type: ignore[no-any-return]


def private_copy(value: Anything) -> Anything:
    """Return the same value as `read_only` does, with arrays in memory of their own.

    For what an attack gets of the application: `torch.from_numpy` writes through an array that
    numpy has made read-only, so that only other memory keeps the application as it is.
    """
    frozen: Any = _read_only(value, _copy)
    return frozen  # type: ignore[no-any-return]


def _read_only(value: Any, guard: Guard) -> Any:
    if isinstance(value, np.ndarray):
        return guard(value)
    if isinstance(value, Mapping):
        return _mapping(value, guard)
    if isinstance(value, tuple):
        parts = [_read_only(part, guard) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return tuple(_read_only(part, guard) for part in value)
    if isinstance(value, set):
        return frozenset(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _fields_read_only(value, guard)
    if f"{type(value).__module__}.".startswith(("pandas.", "scipy.sparse.")):
        return value.copy()
    return value


def _view(array: Any) -> Any:
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _copy(array: Any) -> Any:
    own = array.copy()
    own.flags.writeable = False
    return own


def _mapping(values: Mapping[Any, Any], guard: Guard) -> FrozenMapping[Any, Any]:
    if isinstance(values, FrozenMapping) and guard is _view:
        return values
    return FrozenMapping({key: _read_only(part, guard) for key, part in values.items()})


def _fields_read_only(value: Any, guard: Guard) -> Any:
    """Copy a frozen dataclass with read-only fields; one that may be assigned to is left alone."""
    if not value.__dataclass_params__.frozen:
        return value
    old = {f.name: getattr(value, f.name) for f in fields(value)}
    new = {name: part for name, was in old.items() if (part := _read_only(was, guard)) is not was}
    if not new:
        return value
    made = copy.copy(value)  # and not `replace`, as __post_init__ may have set more than the fields
    for name, part in new.items():
        object.__setattr__(made, name, part)
    return made
