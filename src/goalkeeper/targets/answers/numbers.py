"""Probabilities and logits from scores of any scale."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats

TINY = float(np.finfo(np.float64).tiny)  # the logarithm of a probability of 0 stays finite


def softmax(logits: Floats) -> Floats:
    """Turn logits `(..., classes)` into probabilities."""
    # Subtracting the largest logit changes nothing but keeps exp() from overflowing.
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def log_sum_exp(values: Floats) -> Floats:
    """Return log of the sum of exponentials over the last axis, without overflow."""
    largest = values.max(axis=-1)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(largest + np.log(np.exp(values - largest[..., None]).sum(axis=-1)))


def normalised(scores: Floats) -> Floats:
    """Divide scores `(n, classes)` by their sum; where all are 0, each class is as likely."""
    total = scores.sum(axis=1, keepdims=True)
    even = np.full_like(scores, 1 / scores.shape[1])
    return np.where(total > 0, scores / np.where(total > 0, total, 1.0), even)


def log_of(probabilities: Floats) -> Floats:
    """Take the logarithm; a probability of 0 counts as the smallest positive number."""
    return np.asarray(np.log(np.maximum(probabilities, TINY)))


def two_logits(logit: Floats) -> Floats:
    """Write one logit towards class 1 `(n,)` as those of two classes, -z/2 and z/2."""
    return np.stack([-logit / 2, logit / 2], axis=1)
