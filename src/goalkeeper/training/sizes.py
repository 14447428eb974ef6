"""How many bytes models take, as far as they hold arrays and texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

MOST_OBJECTS = 200_000  # that are looked at; whatever holds more counts as larger than any memory
SHALLOW = (str, bytes, int, float, complex, bool, type(None), type, np.generic)


def measure_bytes(value: Any) -> int:
    """Add up the arrays, tensors and texts that a value holds, each once.

    What compiled code holds and does not give as its state is not seen.
    """
    seen: set[int] = set()
    open_, total = [value], 0
    keep = []  # states are made when asked for: they must live while their identity counts
    while open_:
        each = open_.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        keep.append(each)
        if len(seen) > MOST_OBJECTS:
            return 1 << 62
        if isinstance(each, str | bytes):
            total += len(each)
        elif isinstance(getattr(each, "nbytes", None), int) and not isinstance(each, np.generic):
            total += each.nbytes
        elif not isinstance(each, SHALLOW):
            open_ += _parts(each)
    return total


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if hasattr(value, "__closure__"):
        return [cell.cell_contents for cell in value.__closure__ or ()]
    if hasattr(value, "__self__"):
        return [value.__self__]
    try:
        return [value.__getstate__()]
    except (TypeError, AttributeError, NotImplementedError, RuntimeError):
        return [getattr(value, "__dict__", None)]  # it cannot say its state
