"""How far a record lies on the side of a class, from class means alone."""

from __future__ import annotations

from collections import Counter
from math import fsum

import numpy as np

from goalkeeper.core.data import Data, Floats, Inputs
from goalkeeper.core.text import terms


def measure_class_lean(x: Inputs, data: Data, label: int) -> Floats:
    """Measure how far inputs `(n, ...)` lie on the side of class `label`, `(n,)`.

    The line runs between the means of that class and of all others in the data that is known:
    words of a text count once, columns and pixels are standardised.
    """
    ours = data.y == label
    if x.dtype == object:
        weights = _weigh_words(data.x[ours], data.x[~ours])
        # Exactly rounded: the order of a set of words differs between processes, and the rounding
        # of a plain sum with it.
        return np.array([fsum(weights.get(w, 0.0) for w in set(terms(t))) for t in x])
    flat = _flatten(data.x)
    middle = np.zeros(flat.shape[1])
    if np.isnan(flat).any():  # a missing value says nothing of either side
        count = np.maximum((~np.isnan(flat)).sum(axis=0), 1)
        middle = np.nansum(flat, axis=0) / count
        flat = np.where(np.isnan(flat), middle, flat)
    scale = np.maximum(flat.std(axis=0), 1e-12)
    if ours.all() or not ours.any() or len(x) == 0:
        return np.zeros(len(x))
    line = (flat[ours].mean(axis=0) - flat[~ours].mean(axis=0)) / scale
    rows = _flatten(x)
    return np.asarray(np.where(np.isnan(rows), middle, rows) / scale @ line, dtype=np.float64)


def _flatten(x: Inputs) -> Floats:
    return np.asarray(x, dtype=np.float64).reshape(len(x), -1)


def _weigh_words(ours: Inputs, others: Inputs) -> dict[str, float]:
    """Share of our texts that hold a word, less the share of the others."""
    weights: dict[str, float] = {}
    for side, sign in ((ours, 1.0), (others, -1.0)):
        holding = Counter(word for text in side for word in set(terms(text)))
        for word, count in holding.items():
            weights[word] = weights.get(word, 0.0) + sign * count / len(side)
    return weights
