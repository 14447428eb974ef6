"""Find the class that a model means by a word, a number or a truth value."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from goalkeeper.core.errors import TargetError

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
NUMBERED = re.compile(r"label_(\d+)")  # what a model is called by that was not told class names


class ClassIndex:
    """Find a class, as a model writes it, among the application's classes.

    Words are looked up as names: exactly, then without regard to blanks around them and to
    upper case where this is unambiguous, then as `LABEL_0` or as a number. Numbers are looked up
    by their value when the application's classes are numbers themselves (`"00012"` is 12), and
    are indices otherwise (always, when `indexed`).

    Parameters
    ----------
    classes
        The application's classes, in their order.
    indexed
        Whether every number is an index, whatever the classes are called.

    Raises
    ------
    TargetError
        There are fewer than two classes, or two of the same name.
    """

    def __init__(self, classes: Sequence[str | int], *, indexed: bool = False) -> None:
        self.names = tuple(str(c) for c in classes)
        if len(set(self.names)) != len(self.names) or len(self.names) < 2:
            raise TargetError(
                f"an application needs two or more different classes, given {list(self.names)}"
            )
        self.indexed = indexed
        self._place = {name: i for i, name in enumerate(self.names)}
        self._folded = _unique((_fold(name), i) for name, i in self._place.items())
        numbers = ((name, i) for name, i in self._place.items() if NUMBER.fullmatch(name.strip()))
        self._values = {} if indexed else _unique((float(name), i) for name, i in numbers)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def numeric(self) -> bool:
        """Whether a number is the name of a class, and no index."""
        return bool(self._values)

    def find(self, value: Any) -> int | None:
        """Index of one class; None for an unknown one."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", errors="replace")
        if isinstance(value, str):
            return self._of_word(value)
        if isinstance(value, bool | np.bool_):
            named = self._folded.get(str(bool(value)).casefold())
            return self._of_number(float(value)) if named is None else named
        try:
            return self._of_number(float(value))
        except (TypeError, ValueError):
            return self._of_word(str(value))

    def of(self, value: Any, what: str = "the model") -> int:
        """Index of one class; raises TargetError for an unknown one."""
        found = self.find(value)
        if found is None:
            raise TargetError(
                f"{what} answers with the class {value!r}{self._nearest(value)}, but the "
                f"application's classes are {list(self.names)}; list every class of the model, as "
                "the model writes it"
            )
        return found

    def _of_word(self, word: str) -> int | None:
        folded = _fold(word)
        for found in (self._place.get(word), self._folded.get(folded)):
            if found is not None:
                return found
        numbered = NUMBERED.fullmatch(folded)
        if numbered is not None:
            place = int(numbered[1])
            return place if place < len(self.names) else None
        return self._of_number(float(folded)) if NUMBER.fullmatch(folded) else None

    def _of_number(self, number: float) -> int | None:
        if self._values:
            return self._values.get(number)
        return int(number) if number.is_integer() and 0 <= number < len(self.names) else None

    def _nearest(self, value: Any) -> str:
        near = get_close_matches(_fold(str(value)), [_fold(name) for name in self.names], n=1)
        return f" (did you mean {self.names[self._folded[near[0]]]}?)" if near else ""


def _fold(word: str) -> str:
    return unicodedata.normalize("NFC", word.strip()).casefold()


def _unique(pairs: Iterable[tuple[Any, int]]) -> Mapping[Any, int]:
    """Keep the keys that stand for one class only."""
    listed = list(pairs)
    counts = Counter(key for key, _ in listed)
    return {key: i for key, i in listed if counts[key] == 1}
