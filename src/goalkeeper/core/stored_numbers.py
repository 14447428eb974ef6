"""The numbers that a target stores, as they are stored: read, and written into a copy of it.

`parameters()` says what a model computes, e.g. weights with the scaling of columns folded in; those
are stored nowhere. A target that can say what it stores has `stored_numbers()`, which returns
arrays by name, and `with_stored_numbers(numbers)`, which returns a copy of it with other ones. Of
a target without them, those of its `parameters()` count that `with_parameters()` takes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats
from goalkeeper.core.errors import GoalkeeperError, NotOffered
from goalkeeper.core.readonly import private_copy

__all__ = ["BFLOAT16", "Stored", "as_floats", "read_numbers", "rewrite_numbers"]

Stored = dict[str, NDArray[Any]]

# numpy has no bfloat16: its two bytes are kept as they are, under this name
BFLOAT16 = np.dtype([("bfloat16", "<u2")])


def is_stored_kind(kind: np.dtype[Any]) -> bool:
    """Tell whether this is a floating-point number of at most eight bytes, or one byte."""
    return (kind.kind == "f" and kind.itemsize <= 8) or kind in (np.int8, np.uint8, BFLOAT16)


def is_floating(kind: np.dtype[Any]) -> bool:
    """Tell whether this is a floating-point number, with a sign and an exponent."""
    return kind.kind == "f" or kind == BFLOAT16


def name_kind(kind: np.dtype[Any]) -> str:
    """Return the usual name of a kind of numbers."""
    return "bfloat16" if kind == BFLOAT16 else str(kind)


def as_floats(values: NDArray[Any]) -> Floats:
    """Return what stored numbers `(...)` of any kind are worth."""
    if values.dtype != BFLOAT16:
        return values.astype(np.float64)
    words = np.ascontiguousarray(values).view(np.uint16).astype(np.uint32) << np.uint32(16)
    return words.view(np.float32).astype(np.float64)


def read_numbers(target: Any) -> Stored:
    """Copy the numbers that a target stores, by name.

    Raises
    ------
    NotOffered
        The target shows none, or none of them can be rewritten.
    """
    read = getattr(target, "stored_numbers", None)
    if read is not None:
        return {name: np.array(value, order="C") for name, value in read().items()}
    rewrite = getattr(target, "with_parameters", None)
    if rewrite is None:
        raise NotOffered("the stored numbers of this model cannot be rewritten one by one")
    known = target.parameters()
    found = {
        name: np.array(value, order="C")
        for name, value in known.items()
        if isinstance(value, np.ndarray) and value.size and is_stored_kind(value.dtype)
    }
    found = {name: v for name, v in found.items() if _is_kept(rewrite, known, name, v)}
    if not found:
        raise NotOffered("none of this model's stored numbers can be rewritten one by one")
    return found


def _is_kept(rewrite: Any, known: Mapping[str, Any], name: str, values: NDArray[Any]) -> bool:
    """Tell whether a number that is written there can be read again."""
    probe = values.copy()
    probe.reshape(-1)[0] = values.reshape(-1)[0] + 1
    try:
        after = rewrite({**known, name: probe}).parameters()[name]
    except GoalkeeperError:
        return False
    return not np.array_equal(np.asarray(after), values)


class _ReadWhenNeeded(Mapping[str, Any]):
    """The stored numbers, which a change that has its own does not wait for."""

    def __init__(self, read: Callable[[], Mapping[str, Any]]) -> None:
        self._read = read
        self._known: Mapping[str, Any] | None = None

    @property
    def _numbers(self) -> Mapping[str, Any]:
        if self._known is None:
            self._known = private_copy(self._read())
        return self._known

    def __getitem__(self, name: str) -> Any:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def rewrite_numbers(target: Any, numbers: Mapping[str, NDArray[Any]]) -> Any:
    """Return a copy of a target with these stored numbers; those left out stay.

    Raises
    ------
    NotOffered
        The target's numbers cannot be rewritten, or there is none of that name.
    TargetError
        The model cannot be loaded with these numbers.
    """
    return change_numbers(target, lambda known: numbers)


def change_numbers(
    target: Any, change: Callable[[Mapping[str, Any]], Mapping[str, NDArray[Any]]]
) -> Any:
    """Return a copy of a target with the numbers that `change` makes of the stored ones."""
    rewrite = getattr(target, "with_stored_numbers", None)
    if rewrite is not None:
        return rewrite(change(_ReadWhenNeeded(target.stored_numbers)))
    rewrite = getattr(target, "with_parameters", None)
    if rewrite is None:
        raise NotOffered("the stored numbers of this target cannot be rewritten")
    known = target.parameters()
    return rewrite({**known, **change(private_copy(known))})
