"""What the weights of a linear model multiply, made of inputs and of what the model shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.attacks._linear_text import LinearText
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.errors import NotOffered


@dataclass(frozen=True, eq=False, slots=True)
class TermCounts:
    """How often texts `(n, d)` have each term, as far as idf does not matter."""

    weighed: Floats

    @classmethod
    def of(cls, known: Mapping[str, Any], x: Inputs) -> TermCounts | None:
        """Count the terms of texts; None for other inputs, and for words that are not known."""
        if x.dtype != object or "design" in known or "vocabulary" not in known:
            return None
        model = LinearText.read(known)
        return cls(np.stack([model.weigh_counts(model.count_terms(text)) for text in x]))


def weighs_otherwise(known: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Tell whether inputs become other features than before."""
    if "design" in known:
        return True
    return not np.array_equal(known.get("idf", ()), before.get("idf", ()))


def expand_features(known: Mapping[str, Any], x: Inputs, counts: TermCounts | None) -> Floats:
    """Turn inputs into what weights multiply, `(n, d)`; raises NotOffered for unknown words."""
    if "design" in known:
        return np.asarray(known["design"].expand(x))
    if x.dtype != object:
        return np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    if counts is None:
        raise NotOffered("the words behind the weights are not known")
    with np.errstate(all="ignore"):
        values = counts.weighed * np.asarray(known.get("idf", 1.0), dtype=np.float64)
        if known.get("norm") is None:
            return values
        power = 2 if known["norm"] == "l2" else 1
        norms = (np.abs(values) ** power).sum(axis=1, keepdims=True) ** (1 / power)
        return np.asarray(values / np.maximum(norms, 1e-12))
