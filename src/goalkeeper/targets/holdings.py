"""How much an object keeps in memory: what keeps little cannot hold training data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

MOST = 100_000  # numbers and words that are counted; whoever keeps more may hold anything


def count_kept(model: Any) -> int | None:
    """Count the numbers and words that an object keeps, in all that it refers to.

    None where something is met that cannot be looked into, such as the memory of a library in
    another language, a file or a function with a memory of its own, or where there are too many.
    A word counts by its letters, so that nothing is hidden in a long one: one for every eight.
    """
    seen: set[int] = set()
    stack, total = [model], 0
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        held = _hold(value)
        if held is None:
            return None
        size, inner = held
        total += size
        if total > MOST or len(seen) > MOST:
            return None
        stack += inner
    return total


def _hold(value: Any) -> tuple[int, list[Any]] | None:
    """Return how many numbers and words a value is, and what else it refers to."""
    if value is None or isinstance(value, bool | np.bool_ | type | np.dtype):
        return 0, []
    if isinstance(value, str | bytes | bytearray):
        return 1 + len(value) // 8, []
    if isinstance(value, int):  # of any length, so that nothing is hidden in its digits
        return 1 + value.bit_length() // 64, []
    if isinstance(value, float | complex | np.generic):
        return 1, []
    if isinstance(value, np.ndarray):
        return (0, value.ravel().tolist()) if value.dtype == object else (value.nbytes // 8 + 1, [])
    if isinstance(value, Mapping) and type(value) is dict:
        return 0, [*value, *value.values()]
    if type(value) in (list, tuple, set, frozenset):
        return 0, list(value)
    state = getattr(value, "__dict__", None)
    if not isinstance(state, dict) or not _is_plain(type(value)):
        return None
    return 0, [*state.values(), *_kept_by_class(type(value))]


HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that a statement made; those of C libraries lack it


def _is_plain(kind: type) -> bool:
    """Tell whether objects of a class keep what they know in their dictionary, and nowhere else."""
    own = [base for base in kind.__mro__ if base is not object]
    return all(base.__flags__ & HEAP and not vars(base).get("__slots__") for base in own)


def _kept_by_class(kind: type) -> list[Any]:
    """List what classes of the user's own keep; those of scikit-learn keep nothing of data."""
    return [
        value
        for base in kind.__mro__
        if base is not object and not base.__module__.startswith("sklearn.")
        for name, value in vars(base).items()
        if not name.startswith("__") and not callable(value) and not hasattr(value, "__get__")
    ]
