"""Check what a model returned: an answer, or a sentence that says why it is none."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import TargetError
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import name_error, passes, user_code


class ClassIndex:
    """Find a class, as a model writes it, among the application's classes.

    Strings are looked up as names. Whole numbers are looked up as names when the application's
    classes are numbers themselves, and are indices otherwise (always, when `indexed`).
    """

    def __init__(self, classes: Sequence[str | int], *, indexed: bool = False) -> None:
        self.names = tuple(str(c) for c in classes)
        if len(set(self.names)) != len(self.names) or len(self.names) < 2:
            raise TargetError(
                f"an application needs two or more different classes, given {list(self.names)}"
            )
        self._place = {name: i for i, name in enumerate(self.names)}
        self._numbers = not indexed and any(_is_number(name) for name in self.names)

    def __len__(self) -> int:
        return len(self.names)

    def of(self, value: Any, what: str = "the model") -> int:
        """Index of one class; raises TargetError for an unknown one."""
        found = self._place.get(value) if isinstance(value, str) else self._of_number(value)
        if found is None:
            raise TargetError(
                f"{what} answers with the class {value!r}, but the application's classes are "
                f"{list(self.names)}; list every class of the model, as the model writes it"
            )
        return found

    def _of_number(self, value: Any) -> int | None:
        if isinstance(value, bool | np.bool_) and str(value) in self._place:
            return self._place[str(value)]
        try:
            number = float(value)
        except (TypeError, ValueError):
            return self._place.get(str(value))
        if not number.is_integer():
            return None
        if self._numbers:
            return self._place.get(str(int(number)))
        return int(number) if 0 <= number < len(self.names) else None


def _is_number(name: str) -> bool:
    return name.lstrip("-").isdigit()


def call_model(function: Callable[[Any], Any], x: Any, what: str) -> Any:
    """Call the model; whatever it raises becomes a TargetError that names it."""
    try:
        inputs = x.shape[0] if hasattr(x, "shape") else len(x)  # sparse ones have no length
        with user_code(Activity.ANSWER, what, inputs), warnings.catch_warnings():
            # LightGBM makes up names for columns that have none.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            raw = function(x)
    except BaseException as error:
        if passes(error):
            raise
        raise TargetError(
            f"{what} raised {name_error(error)}; it must "
            "answer every input of the domain: check that the domain describes the inputs "
            "it was trained on, preprocessing included"
        ) from error
    if inspect.iscoroutine(raw) or inspect.isgenerator(raw):
        raw.close()
        raise TargetError(
            f"{what} returned a {type(raw).__name__}, which has computed nothing yet; write `def` "
            "in place of `async def`, and `return` in place of `yield`"
        )
    # A model may answer in a buffer of its own, which its next answer overwrites.
    return raw.copy() if isinstance(raw, np.ndarray) else raw


def labels_of(raw: Any, n: int, index: ClassIndex, what: str) -> Ints:
    """Read labels `(n,)` as indices of the application's classes."""
    values = _array(raw, what)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (n,):
        raise TargetError(
            f"{what} returned labels of shape {values.shape} for {n} inputs; "
            f"return one label for every input, ({n},)"
        )
    if values.dtype == object:
        return np.array([index.of(v, what) for v in values.tolist()], dtype=np.int64)
    unique, place = np.unique(values, return_inverse=True)
    indices = np.array([index.of(v, what) for v in unique.tolist()], dtype=np.int64)
    return np.asarray(indices[place.reshape(-1)], dtype=np.int64)


def scores_of(raw: Any, n: int, width: int, what: str) -> Floats:
    """Read finite numbers `(n, width)`."""
    values = _array(raw, what)
    if values.shape != (n, width):
        raise TargetError(
            f"{what} returned an array of shape {values.shape} for {n} inputs; "
            f"return one column for each of the {width} classes, ({n}, {width})"
        )
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TargetError(f"{what} returned {values.dtype} where numbers are needed") from error
    bad = ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise TargetError(
            f"{what} returned NaN or infinite numbers for {int(bad.sum())} of {n} inputs "
            f"(first: input {row} gave {numbers[row].tolist()}); "
            "check for overflow and for missing values"
        )
    return numbers


def softmax(logits: Floats) -> Floats:
    """Turn logits `(..., classes)` into probabilities."""
    # Subtracting the largest logit changes nothing but keeps exp() from overflowing.
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _array(raw: Any, what: str) -> Any:
    try:
        return np.asarray(raw)
    except ValueError as error:
        raise TargetError(
            f"{what} returned a ragged {type(raw).__name__}; return one array"
        ) from error
