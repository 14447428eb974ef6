"""Numbers in stored records: finite, or an infinity that JSON can carry."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema


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
