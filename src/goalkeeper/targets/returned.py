"""Check what a model returned: an answer, or a sentence that says why it is none."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import GoalkeeperError, TargetError
from goalkeeper.targets.answers import ClassIndex, LabelReader, finite_numbers, softmax, unwrap

__all__ = ["ClassIndex", "call_model", "labels_of", "scores_of", "softmax"]


def call_model(function: Callable[[Any], Any], x: Any, what: str) -> Any:
    """Call the model; whatever it raises becomes a TargetError that names it."""
    try:
        with warnings.catch_warnings():  # LightGBM makes up names for columns that have none
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return function(x)
    except GoalkeeperError:
        raise
    except (Exception, SystemExit) as error:
        text = (str(error).strip().splitlines() or ["no message"])[0]
        raise TargetError(
            f"{what} raised {type(error).__name__}: {text}; {_remedy(text)}"
        ) from error


def _remedy(message: str) -> str:
    """Say what to do after an exception of a model."""
    words = message.lower()
    if "double" in words and "float" in words:
        return (
            "it is given float64 and wants float32: convert its input first, e.g. "
            "np.asarray(x, dtype=np.float32), or make a torch module float32 throughout"
        )
    return (
        "it must answer every input of the domain: check that the domain describes the inputs "
        "it was trained on, preprocessing included"
    )


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
