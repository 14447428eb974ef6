"""Checks that every trainer makes before it trains, and errors that name the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import name_error, passes, user_code

LONGEST = 200  # characters of a recipe in an error; XGBoost has dozens of settings
SEVERAL = (
    "a model of several outputs (multi-label) is not assessed yet: describe an application for "
    "each label"
)
# What libraries say, or the model is called, in lower case, and what to do.
KNOWN = (
    (
        "early stopping",
        "early stopping needs records of its own: write build(x, y, seed), which sets some of x "
        "apart and returns the trained model",
    ),
    (
        "invalidindexerror",
        "it is given a pandas DataFrame where the data are a table with names: take columns by "
        "name, or with .iloc",
    ),
    ("multi-output", SEVERAL),
    ("classifierchain(", SEVERAL),  # which looks for the second column of its labels
    ("feature_names must be string", "rename the columns with such signs in the data"),
    ("special json characters", "rename the columns with signs such as : , [ ] { } in the data"),
)
FEW = 10  # records of a class, below which a training may fail for want of them


class LabelledRows(Protocol):
    """What one model is trained on, as far as an error speaks of it."""

    @property
    def y(self) -> Ints:
        """Classes `(n,)`."""
        ...

    def __len__(self) -> int: ...


def check_masks(data: Data, masks: Bools, seeds: Sequence[int]) -> Bools:
    """Return masks `(N, rows)` as booleans; raises DataError that names the model."""
    masks = np.asarray(masks, dtype=bool)
    if masks.ndim != 2 or masks.shape[1] != len(data) or len(masks) != len(seeds):
        raise DataError(
            f"masks of shape {masks.shape} with {len(seeds)} seeds do not fit {len(data)} "
            "records; give one row a model, one column a record, and one seed a model"
        )
    empty = ~masks.any(axis=1)
    if empty.any():
        raise DataError(
            f"model {int(np.argmax(empty))} of {len(masks)} has no records; "
            "give every model at least one record of every class"
        )
    return masks


def count_classes(masks: Bools, y: Ints, classes: int) -> Ints:
    """Count the records of each class in each subset `(N, classes)`."""
    return np.array([np.bincount(y[mask], minlength=classes) for mask in masks], dtype=np.int64)


def lack_classes(masks: Bools, y: Ints, classes: int) -> bool:
    """Tell whether a subset `(N, rows)` lacks a class, while all have two at least.

    Of many classes with few records each, random halves often do; scikit-learn trains on those.
    """
    present = count_classes(masks, y, classes) > 0
    return bool(not present.all() and (present.sum(axis=1) > 1).all())


def require_records(data: Data) -> None:
    """Refuse data without a single record; raises DataError."""
    if len(data) == 0:
        raise DataError("there are no records to train on; give at least one of every class")


def run_training(train: Callable[[], Any], data: LabelledRows, what: str) -> Any:
    """Run one training; what it raises becomes a DataError or TargetError that names it."""
    try:
        with user_code(Activity.TRAINING, f"the training of {what}"):
            return train()
    except BaseException as error:  # the user's own training may raise anything
        if passes(error):
            raise
        counts = dict(zip(*np.unique(data.y, return_counts=True), strict=True))
        sizes = ", ".join(f"class {int(c)}: {int(n)}" for c, n in counts.items())
        kind = DataError if isinstance(error, ValueError) else TargetError
        name = what if len(what) <= LONGEST else what.partition("(")[0] + "(...)"
        raise kind(
            f"training {name} on {len(data)} records ({sizes}) raised {name_error(error)}",
            _remedy(error, counts, what),
        ) from error


def _remedy(error: BaseException, counts: Mapping[Any, int], what: str) -> str:
    """Advise by what the error says; more records only where a class has few of them."""
    words = f"{type(error).__name__}: {error}; {what}".lower()
    for part, remedy in KNOWN:
        if part in words:
            return remedy
    few = len(counts) < 2 or min(counts.values()) < FEW
    return "give more records, or correct the recipe" if few else "correct the recipe, or the data"
