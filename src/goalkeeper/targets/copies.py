"""Copies of the user's models, which may hold what cannot be copied, such as a lock or a file."""

from __future__ import annotations

import copy
from typing import TypeVar

from goalkeeper.core.errors import NotOffered
from goalkeeper.core.usercode import name_error, passes

Model = TypeVar("Model")


def copy_model(model: Model) -> Model:
    """Return a deep copy; raises NotOffered where the model cannot be copied."""
    try:
        return copy.deepcopy(model)
    except BaseException as error:  # the model may define how it is copied
        if passes(error):
            raise
        raise NotOffered(
            f"{type(model).__name__} cannot be copied ({name_error(error)}); create locks, files "
            "and generators when they are used, and not in the model"
        ) from error
