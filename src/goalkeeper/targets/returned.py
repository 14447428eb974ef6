"""Check what a model returned: an answer, or a sentence that says why it is none."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import ReportedError, TargetError
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import name_error, passes, user_code
from goalkeeper.targets.answers import (
    ClassIndex,
    LabelReader,
    error_in,
    finite_numbers,
    softmax,
    unwrap,
)
from goalkeeper.targets.remedies import remedy_for

__all__ = ["ClassIndex", "call_model", "labels_of", "scores_of", "softmax"]


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
        raise TargetError(f"{what} raised {name_error(error)}", remedy_for(error, x)) from error
    if inspect.iscoroutine(raw) or inspect.isgenerator(raw):
        raw.close()
        raise TargetError(
            f"{what} returned a {type(raw).__name__}, which has computed nothing yet",
            "write `def` in place of `async def`, and `return` in place of `yield`",
        )
    if isinstance(raw, Iterator):  # such as of map(), which can be read only once
        raw = list(raw)
    if error_in(raw):
        raise ReportedError(
            f"{what} returned an error in place of answers: {error_in(raw)}",
            "return one answer for every input, or raise an exception that says what failed",
        )
    # A model may answer in a buffer of its own, which its next answer overwrites.
    return raw.copy() if isinstance(raw, np.ndarray) else raw


def labels_of(raw: Any, n: int, index: ClassIndex, what: str) -> Ints:
    """Read labels `(n,)` as indices of the application's classes."""
    values = unwrap(raw, n, what).values
    if values.ndim != 1:
        raise TargetError(
            f"{what} returned labels of shape {values.shape} for {n} inputs; "
            f"return one label for every input, ({n},)"
        )
    return LabelReader(index, what).read(values)


def scores_of(raw: Any, n: int, width: int, what: str) -> Floats:
    """Read finite numbers `(n, width)`."""
    values = unwrap(raw, n, what).values
    if values.shape != (n, width):
        raise TargetError(
            f"{what} returned an array of shape {values.shape} for {n} inputs; "
            f"return one column for each of the {width} classes, ({n}, {width})"
        )
    return finite_numbers(values, what)
