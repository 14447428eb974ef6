"""The columns of scores that have names, in the order of the application's classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from goalkeeper.core.data import Ints
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.answers.classes import ClassIndex
from goalkeeper.targets.answers.unwrap import Returned


def order_of(returned: Returned, index: ClassIndex, what: str) -> Ints:
    """Return which column belongs to each class; columns without names stand in order.

    Raises
    ------
    TargetError
        The names of the columns are not those of the classes.
    """
    if not returned.names:
        return np.arange(returned.values.shape[1])
    plain = [index.find(name) for name in returned.names]
    if set(plain) >= set(range(len(index))):
        return _places(plain, len(index))
    stripped = [index.find(name) for name in _without_common_parts(returned.names)]
    if set(stripped) >= set(range(len(index))):
        return _places(stripped, len(index))
    raise TargetError(
        f"{what} returned columns called {', '.join(returned.names)}, but the application's "
        f"classes are {', '.join(index.names)}; name the columns as the classes, or return an "
        f"array with one column a class in this order"
    )


def of_one_class(returned: Returned, index: ClassIndex, what: str) -> Returned:
    """Read one column that has the name of a class as the score of this class.

    Raises
    ------
    TargetError
        The numbers do not say what the other class has.
    """
    if returned.values.ndim != 1 or len(returned.names) != 1 or len(index) != 2:
        return returned
    name = returned.names[0]
    if index.find(name) is None or returned.values.dtype.kind not in "fiu":
        return returned
    scores = np.asarray(returned.values, dtype=np.float64)
    if np.nanmin(scores) < 0 or np.nanmax(scores) > 1:
        raise TargetError(
            f"{what} returned one number for every input, called {name}, which is no probability",
            f"return one column for each of {', '.join(index.names)}",
        )
    labels = np.array([name] * len(scores), dtype=object)
    return Returned(labels, said=returned.said, confidence=scores)


def _places(found: list[int | None], width: int) -> Ints:
    return np.array([found.index(i) for i in range(width)], dtype=np.int64)


def _without_common_parts(names: tuple[str, ...]) -> list[str]:
    """Cut off what all names begin and end with: P(deny), P(grant) become deny, grant."""
    front = _common(names)
    back = _common([name[front:][::-1] for name in names])
    return [name[front : len(name) - back] for name in names]


def _common(names: Sequence[str]) -> int:
    """Count the characters that all names begin with."""
    letters = zip(*names, strict=False)
    return len(list(takewhile(lambda column: len(set(column)) == 1, letters)))
