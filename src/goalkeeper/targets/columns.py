"""Match the columns of a stored model with those of an application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError

TRUTH = {"False": 0.0, "True": 1.0}


def column_places(
    wanted: Sequence[str] | None, count: int, domain: Domain, name: str
) -> tuple[int, ...]:
    """Return the place of each of the model's columns among those of the application.

    Parameters
    ----------
    wanted
        Names of the model's columns; None: it has none, so that the order counts.
    count
        How many columns the model has.
    domain
        What an input looks like; images are rows of pixels.
    name
        What errors call the model.

    Raises
    ------
    TargetError
        The application has other columns.
    """
    if isinstance(domain, TextDomain):
        raise TargetError(f"{name} takes rows of numbers, but the inputs are texts")
    if not isinstance(domain, TableDomain):
        pixels = int(np.prod(domain.shape))
        if count != pixels:
            raise TargetError(f"{name} takes {count} numbers, but an image has {pixels} pixels")
        return tuple(range(count))
    columns = [column.name for column in domain.columns]
    if wanted is None and count == len(columns):
        return tuple(range(count))
    if wanted is None or set(wanted) != set(columns):
        given = ", ".join(wanted or ()) or f"{count} columns without names"
        raise TargetError(
            f"{name} was trained on other columns ({given}) than the application has "
            f"({', '.join(columns)}); name the model's columns in data.features"
        )
    return tuple(columns.index(column) for column in wanted)


def words_in(domain: Domain) -> list[str]:
    """Name the columns that hold words; true and false count as numbers."""
    columns = domain.columns if isinstance(domain, TableDomain) else ()
    return [c.name for c in columns if c.kind == "category" and not set(c.categories) <= set(TRUTH)]


def refuse_words(domain: Domain, name: str, known: Sequence[str] = ()) -> None:
    """Raise TargetError where columns hold words, those aside that the model knows."""
    words = [word for word in words_in(domain) if word not in known]
    if words:
        raise TargetError(
            f"{name} takes numbers, but these columns hold words: {', '.join(words)}; encode them "
            "as in training, by a function of your own (model.function)"
        )


def values_of(x: Any, place: int) -> NDArray[Any]:
    """Return one column `(n,)` of prepared inputs: an array of numbers, or of words and numbers."""
    if not hasattr(x, "iloc"):
        return np.asarray(x)[:, place]
    return np.asarray(x.iloc[:, place].astype(object))


def numbers_of(x: Any, place: int) -> NDArray[np.float64]:
    """Return one column `(n,)` of prepared inputs as numbers; a missing value is NaN."""
    values = values_of(x, place)
    if values.dtype != object:
        return np.asarray(values, dtype=np.float64)
    return np.array([TRUTH.get(str(v), v) for v in values], dtype=np.float64)


def codes_of(values: NDArray[Any], codes: Mapping[str, int]) -> NDArray[np.float64]:
    """Return the code `(n,)` of each value; NaN for a value that has none, or is missing."""
    return np.array([codes.get(written(value), np.nan) for value in values], dtype=np.float64)


def written(value: Any) -> str:
    """Write a category as a word: whole numbers without a fraction, however they are stored."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
