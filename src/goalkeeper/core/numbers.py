"""Numbers in stored records: finite, or an infinity that JSON can carry; and numbers with gaps."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

from goalkeeper.core.data import Floats


def _real(value: float) -> float:
    if math.isnan(value):
        raise ValueError("NaN is not a result; leave the measurement out and say why")
    return value


def _plain(value: float) -> Any:
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


Real = Annotated[
    float,
    AfterValidator(_real),
    PlainSerializer(_plain, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf"]}]}),
]


def spread(rows: Floats) -> Floats:
    """Return the standard deviation of each column of rows `(n, d)`, of the values that are there.

    A column without any value has the spread 0.
    """
    gap = np.isnan(rows)
    if not gap.any():
        return np.asarray(rows.std(axis=0))
    count = np.maximum((~gap).sum(axis=0), 1)
    mean = np.where(gap, 0.0, rows).sum(axis=0) / count
    return np.asarray(np.sqrt((np.where(gap, 0.0, rows - mean) ** 2).sum(axis=0) / count))
