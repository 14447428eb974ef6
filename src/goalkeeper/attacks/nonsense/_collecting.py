"""Put collections of nonsensical inputs together, a fair share of every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Inputs
from goalkeeper.games.nonsense import NonsenseInput, OrdinaryExamples

Maker = Callable[[np.random.Generator], Any]


def wrap_value(value: Any) -> Inputs:
    """Return one value, a text or not, as an object array `(1,)`."""
    out = np.empty(1, dtype=object)
    out[0] = value
    return out


def collect_inputs(
    kinds: Mapping[str, Maker], question: OrdinaryExamples, access: Access, *, text: bool
) -> list[NonsenseInput]:
    """Make as many inputs of each kind as the budget allows, the kinds taking turns.

    A kind that has few different inputs gives those: every one is handed in once.
    """
    most = int(min(question.most, access.left()[0]))
    each = -(-most // max(1, len(kinds)))
    made = []
    for kind, make in kinds.items():
        values = [make(access.rng) for _ in range(3 * each)]
        rows = [wrap_value(v) if text else np.asarray(v)[None] for v in values]
        different = {repr(row.tolist()) + str(row.shape): row for row in rows}
        made.append([NonsenseInput(kind, row) for row in list(different.values())[:each]])
    turns = chain.from_iterable(zip_longest(*made))
    return [odd for odd in turns if odd is not None][:most]


def draw_from(values: tuple[Any, ...]) -> Maker:
    """Draw from a list."""
    return lambda rng: values[int(rng.integers(len(values)))]
