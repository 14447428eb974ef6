"""Encoders of categories: how many features each column becomes, and what single values become."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.targets.reading.probing import silently


def sizes(step: Any) -> list[int]:
    """Count the features that a fitted encoder makes of each column."""
    kind = type(step).__name__
    if kind == "OrdinalEncoder":
        return [1] * len(step.categories_)
    if kind == "TargetEncoder":
        classes = len(step.classes_) if step.target_type_ == "multiclass" else 1
        return [classes] * len(step.categories_)
    rare = getattr(step, "infrequent_categories_", None) or [None] * len(step.categories_)
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    return [
        len(known) - (0 if few is None else len(few) - 1) - (gone is not None)
        for known, few, gone in zip(step.categories_, rare, dropped, strict=True)
    ]


def encoded(step: Any, column: int, values: Floats) -> Floats:
    """Return what an encoder makes of numbers `(v,)` in one column, `(v, features)`.

    The other columns hold their first category. NaN where the encoder raises.
    """
    out = np.full((len(values), sum(sizes(step))), np.nan)
    for i, value in enumerate(values):
        row = np.empty((1, len(step.categories_)), dtype=object)
        row[0] = [known[0] for known in step.categories_]
        row[0, column] = value
        try:
            made = silently(step.transform, row)
        except Exception:  # noqa: BLE001, S112 - whatever it raises, it gives no answer
            continue
        dense = made.toarray() if hasattr(made, "toarray") else made
        out[i] = np.asarray(dense, dtype=np.float64)[0]
    return out


def one_per_bin(count: int, *, ordinal: bool) -> Floats:
    """Return what each of `count` bins becomes: its number, or a feature of its own."""
    return np.arange(count, dtype=np.float64)[None] if ordinal else np.eye(count)
