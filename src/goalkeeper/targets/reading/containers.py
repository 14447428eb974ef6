"""Pipelines, and the columns that a ColumnTransformer gives to each of its members."""

from __future__ import annotations

from typing import Any

import numpy as np


def members(pipeline: Any) -> list[Any]:
    """List the steps of a pipeline that do something to what it is given."""
    steps = [step for _, step in pipeline.steps if step is not None and step != "passthrough"]
    return [step for step in steps if not is_sampler(step)]


def is_sampler(step: Any) -> bool:
    """Tell whether a step changes the training data only, as those of imbalanced-learn do."""
    return hasattr(step, "fit_resample") and not hasattr(step, "transform")


def input_places(x: Any, columns: Any) -> list[int]:
    """Return the indices of columns given by name, index, slice or mask."""
    names = list(getattr(x, "columns", ()))
    width = x.shape[1]
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):
            first = 0 if columns.start is None else names.index(columns.start)
            last = width - 1 if columns.stop is None else names.index(columns.stop)
            return list(range(width))[first : last + 1 : columns.step]
        return list(range(width))[columns]
    given = np.atleast_1d(np.asarray(columns, dtype=object)).tolist()
    if given and all(isinstance(c, bool | np.bool_) for c in given):
        return np.flatnonzero(np.array(given, dtype=bool)).tolist()
    # As in scikit-learn: texts are names, whole numbers are places, whatever the names are.
    return [names.index(c) if isinstance(c, str) else range(width)[int(c)] for c in given]


def picked(x: Any, columns: Any) -> Any:
    """Return the columns as a ColumnTransformer gives them to its member."""
    from sklearn.utils import _safe_indexing

    return _safe_indexing(x, columns, axis=1)
