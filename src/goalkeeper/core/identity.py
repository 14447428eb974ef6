"""What identifies the parts of an application: content that is the same in every process.

Nothing here depends on where something lies in memory or in the file system, on the order of a
set, or on how often something was used before.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.data import Data, Inputs, fingerprint
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View

PROBES = 32  # inputs that a target without readable parameters is asked about
BITS = 30  # of a number count: the last of 53 depend on how many threads have added it up

Content = Any  # nested dicts and lists of arrays, texts and numbers, as `fingerprint` takes them


def content_of(value: Any) -> Content:
    """Describe a value by what it holds.

    Functions are described by name and code, objects by class and attributes, without paths and
    without what they compute once and keep. Names that a function finds outside of itself, and
    what extension types hold, are not seen.
    """
    return _content(value, ())


def _content(value: Any, above: tuple[int, ...]) -> Content:
    if value is None or isinstance(value, str | bytes | int | float | complex | Data | np.generic):
        return value
    if isinstance(value, Path | types.ModuleType | type):
        return _name(value)
    if isinstance(value, Enum):
        return [_name(type(value)), value.name]
    if isinstance(value, np.ndarray) and (value.dtype != object or _all_texts(value)):
        return value
    if id(value) in above:  # a value that holds itself
        return _name(type(value))
    inner = partial(_content, above=(*above, id(value)))
    if isinstance(value, Mapping):
        return {repr(key): inner(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(fingerprint(inner(part)) for part in value)
    if isinstance(value, list | tuple | np.ndarray):
        return [inner(part) for part in value]
    return _function(value, inner) or _object(value, inner)


def _all_texts(array: Any) -> bool:
    return all(isinstance(part, str) for part in array.flat)


def _name(value: Any) -> str:
    """Name a class, function or module; a path only by its last part."""
    if isinstance(value, Path | types.ModuleType):
        return str(getattr(value, "__name__", "") or getattr(value, "name", ""))
    return f"{value.__module__}.{value.__qualname__}"


def _function(value: Any, inner: Callable[[Any], Content]) -> Content:
    if isinstance(value, types.MethodType):
        return [inner(value.__self__), value.__func__.__name__]
    if isinstance(value, partial):
        return [inner(value.func), inner(value.args), inner(value.keywords)]
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        given = [value.__defaults__, value.__kwdefaults__, cells]
        return [_name(value), _code(value.__code__), *map(inner, given)]
    if isinstance(value, types.BuiltinFunctionType | np.ufunc):
        return getattr(value, "__qualname__", value.__name__)
    return None


def _code(code: types.CodeType) -> Content:
    """Describe compiled code; constants are sorted inside of sets, whose order differs by run."""
    constants = [
        _code(c) if isinstance(c, types.CodeType) else content_of(c) for c in code.co_consts
    ]
    return [code.co_code, code.co_names, constants]


def _object(value: Any, inner: Callable[[Any], Content]) -> Content:
    kind = type(value)
    if is_dataclass(value):
        held = {f.name: getattr(value, f.name) for f in fields(value)}
    else:
        computed = {k for c in kind.__mro__ for k, v in vars(c).items() if _computed(v)}
        held = {k: v for k, v in getattr(value, "__dict__", {}).items() if k not in computed}
    return {"class": _name(kind), **{k: inner(v) for k, v in held.items()}}


def _computed(attribute: Any) -> bool:
    return isinstance(attribute, cached_property)


# ---- targets and trainers ------------------------------------------------------------------------


def content_of_target(target: Any, x: Inputs) -> Content:
    """Describe a target by its class and parameters, or by its classes for some inputs `x`.

    Numbers count to 9 digits: a model that is loaded again, or asked with other threads, is the
    same.
    """
    name = _name(type(target))
    try:
        return [name, _rounded(content_of(target.parameters()))]
    except NotOffered:
        return [name, target.answer(x[:PROBES], View.LABELS).labels]


def content_of_trainer(trainer: Any) -> Content:
    """Describe a trainer by its class and recipe."""
    return None if trainer is None else [_name(type(trainer)), trainer.recipe]


def _rounded(content: Content) -> Content:
    if isinstance(content, Mapping):
        return {key: _rounded(part) for key, part in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(part) for part in content]
    if not isinstance(content, np.ndarray) or content.dtype.kind != "f":
        return content
    numbers = np.asarray(content, dtype=np.float64)
    fraction, exponent = np.frexp(np.where(np.isfinite(numbers), numbers, 0.0))
    odd = np.where(np.isfinite(numbers), "", numbers.astype(str))
    return [np.rint(fraction * 2**BITS).astype(np.int64), exponent, odd]
