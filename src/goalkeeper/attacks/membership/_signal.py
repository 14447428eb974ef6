"""The signal that membership attacks look at."""

from __future__ import annotations

import math

import numpy as np

from goalkeeper.core.data import Floats, Ints

TINY = float(np.finfo(np.float64).tiny)  # a probability of 0 counts as this
# Confidence up to here is kept as it is: the log odds of a probability of 1e-12.
KEPT = -math.log(1e-12)


def all_alike(answers: Floats | Ints) -> bool:
    """Tell whether every record gets the same answer, `(n, ...)`.

    Then records differ in their classes only, which are known without the model.
    """
    return bool((answers == answers[:1]).all())


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
        Beyond 27.6, the log odds of a probability of 1e-12, it grows like a logarithm: records of
        which a model is almost certain keep their order, and a probability of exactly 0 does not
        outweigh all others in means and variances.
    """
    if scores.ndim > 2 and len(scores):  # one model at a time stays in the cache
        return np.stack([logit_confidence(true_class, y) for true_class in scores])
    index = np.broadcast_to(y, scores.shape[:-1])[..., None]
    true_class = np.take_along_axis(scores, index, axis=-1)[..., 0]
    others = scores.copy()
    np.put_along_axis(others, index, 0.0, axis=-1)
    rest = others.sum(axis=-1)
    odds = np.log(np.maximum(true_class, TINY)) - np.log(np.maximum(rest, TINY))
    size = np.abs(odds)
    squeezed = KEPT + np.log1p(np.maximum(size - KEPT, 0.0))
    return np.asarray(np.where(size > KEPT, np.copysign(squeezed, odds), odds))
