"""Labels as a model writes them, as indices of the application's classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.answers.classes import ClassIndex

SIGNS = {-1.0: 0, 1.0: 1}  # of two classes, as many libraries number them
HALF = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class LabelReader:
    """Reads words, numbers and truth values.

    Parameters
    ----------
    index
        The application's classes.
    what
        Whose answers they are, for errors.
    refusal
        The class that a declined answer counts as; None: it is an error.
    signs
        Whether -1 is the first of two classes and 1 the second.
    rounds
        Whether a fraction between 0 and 1 belongs to the nearer class: an output that saturates
        at 0 and 1 for nearly every input has a fraction now and then.
    """

    index: ClassIndex
    what: str
    refusal: int | None = None
    signs: bool = False
    rounds: bool = False

    @classmethod
    def decide(cls, values: NDArray[Any], reader: LabelReader) -> LabelReader | None:
        """Choose how `values (n,)` name classes; None where numbers name none of them."""
        given = [value for value in values.tolist() if not is_blank(value)]
        if any(isinstance(value, str | bytes) for value in given):
            return reader
        try:
            distinct = {float(value) for value in given}
        except (TypeError, ValueError):
            return None
        index, two = reader.index, len(reader.index) == 2
        if all(index.find(value) is not None for value in set(given)):
            rounds = two and values.dtype.kind == "f" and distinct <= {0.0, 1.0}
            return cls(index, reader.what, reader.refusal, rounds=rounds)
        counted = ClassIndex(index.names, indexed=True)
        if all(counted.find(value) is not None for value in distinct):
            return cls(counted, reader.what, reader.refusal)
        if two and distinct <= set(SIGNS):
            return cls(index, reader.what, reader.refusal, signs=True)
        return reader if values.dtype.kind in "iub" else None

    def read(self, values: NDArray[Any]) -> Ints:
        """Read labels `(n,)`; raises TargetError for a declined or unknown answer."""
        if self.rounds and values.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                inside = (values >= 0) & (values <= 1)
            values = np.where(inside, (values > HALF).astype(values.dtype), values)
        distinct, place = _distinct(values)
        found = np.array([self._one(value) for value in distinct], dtype=np.int64)
        if (found < 0).any():
            first = distinct[int(np.argmax(found < 0))]
            count = int((found[place] < 0).sum())
            raise self._declined(first, count, len(values))
        return np.asarray(found[place], dtype=np.int64)

    def _one(self, value: Any) -> int:
        """Index of one class, that of a declined answer, or -1."""
        found = None
        if not is_blank(value):
            found = SIGNS.get(value) if self.signs else self.index.find(value)
        if found is None and (is_blank(value) or isinstance(value, str | bytes)):
            found = self.refusal
        return -1 if found is None else found

    def _declined(self, value: Any, count: int, n: int) -> TargetError:
        if is_blank(value):
            return declined(self.what, count, n, self.index.names)
        try:
            self.index.of(value, self.what)
        except TargetError as error:
            word = isinstance(value, str | bytes)
            return TargetError(f"{error}{_offer(self.index.names) if word else ''}")
        return TargetError(f"{self.what} answers with {value!r} where -1 or 1 is expected")

    @property
    def words(self) -> str:
        """How classes are written, for people."""
        first, *_, last = self.index.names
        if self.signs:
            return f"-1 is {first}, 1 is {last}"
        if self.index.numeric or self.index.indexed is False:
            return "class names" if self.index.numeric else "names or numbers of classes"
        return f"numbers of classes, 0 is {first}"


def declined(what: str, count: int, n: int, classes: tuple[str, ...]) -> TargetError:
    """Say that some answers are missing, and what can be done."""
    return TargetError(
        f"{what} gave no answer (None, NaN or an empty string) to {count} of {n} inputs"
        f"{_offer(classes)}"
    )


def _offer(classes: tuple[str, ...]) -> str:
    return (
        f"; if it declines to answer, say by `model.refusal: CLASS` which of {', '.join(classes)} "
        "this counts as"
    )


def is_blank(value: Any) -> bool:
    """Tell a missing answer: None, NaN, NA or an empty string."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str | bytes):
        return not value.strip()
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def blanks(values: NDArray[Any]) -> Bools:
    """Tell which of `values (n,)` are missing."""
    if values.dtype.kind in "iub":
        return np.zeros(len(values), dtype=bool)
    return np.array([is_blank(value) for value in values.tolist()], dtype=bool)


def _distinct(values: NDArray[Any]) -> tuple[list[Any], Ints]:
    """List the different values, and the place of each of `values` among them."""
    if values.dtype.kind in "iubfUS":
        unique, place = np.unique(values, return_inverse=True)
        return unique.tolist(), place.reshape(-1)
    places: dict[Any, int] = {}
    found = [places.setdefault(_key(value), len(places)) for value in values.tolist()]
    listed: Mapping[Any, int] = places
    return [None if key is _BLANK else key for key in listed], np.array(found, dtype=np.int64)


_BLANK = object()


def _key(value: Any) -> Any:
    if is_blank(value):
        return _BLANK
    # 1 and True are equal, but name different classes where these are called 1 and True.
    return str(value) if isinstance(value, bool | np.bool_) or _is_unhashable(value) else value


def _is_unhashable(value: Any) -> bool:
    return getattr(type(value), "__hash__", None) is None
