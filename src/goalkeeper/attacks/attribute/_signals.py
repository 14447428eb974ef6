"""What an answer says about a value, and how it is joined with what is known without the model."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Floats, Ints

MAX_LOG_ODDS = 7.0  # log-odds beyond which a score says no more (models that answer 0 or 1)


def log_odds(scores: Floats, y: Ints) -> Floats:
    """Log-odds of the true class, `(n,)`, from scores `(n, classes)`."""
    true_class = scores[np.arange(len(y)), y]
    rest = np.where(np.arange(scores.shape[1]) == y[:, None], 0.0, scores).sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(true_class) - np.log(rest), -MAX_LOG_ODDS, MAX_LOG_ODDS))


def combine_chances(chances: Floats, best: Floats, weight: float) -> Floats:
    """Add the signal to the log chances; what was not asked comes after all that was."""
    asked = np.isfinite(best)
    unasked = chances - 2 * weight * MAX_LOG_ODDS + chances.min()
    return np.where(asked, chances + weight * np.where(asked, best, 0.0), unasked)
