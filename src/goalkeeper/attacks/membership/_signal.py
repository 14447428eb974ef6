"""The signal that membership attacks look at."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats, Ints

TINY = 1e-12


def logit_confidence(scores: Floats, y: Ints) -> Floats:
    """Scale the confidence in the true class to a line: log p_y - log of all others.

    Parameters
    ----------
    scores
        Probabilities `(..., n, classes)`.
    y
        True classes `(n,)`.

    Returns
    -------
    Floats
        `(..., n)`. Taken from the other classes' sum, never from 1 - p_y, which loses digits.
    """
    if scores.ndim > 2 and len(scores):  # one model at a time stays in the cache
        return np.stack([logit_confidence(true_class, y) for true_class in scores])
    index = np.broadcast_to(y, scores.shape[:-1])[..., None]
    true_class = np.take_along_axis(scores, index, axis=-1)[..., 0]
    others = scores.copy()
    np.put_along_axis(others, index, 0.0, axis=-1)
    rest = others.sum(axis=-1)
    return np.asarray(np.log(np.maximum(true_class, TINY)) - np.log(np.maximum(rest, TINY)))
