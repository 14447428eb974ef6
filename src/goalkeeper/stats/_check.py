"""Input checks shared by the statistics: each says what is wrong, what was given and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def require_share(name: str, value: float) -> None:
    """Refuse a value that is not strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"need 0 < {name} < 1, got {value}; give a share, such as 0.05 for 5 %")


def require_probability(name: str, value: float) -> None:
    """Refuse a value outside [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"need 0 <= {name} <= 1, got {value}; give a share, not a percentage")


def require_positive(name: str, value: float) -> None:
    """Refuse a setting below 1."""
    if not value >= 1:
        raise ValueError(f"need {name} >= 1, got {value}; give a whole number of at least 1")


def require_tries(n: float) -> None:
    """Refuse data without a single try."""
    if not n >= 1:
        raise ValueError(f"need n >= 1 tries, got {n}; without data the result is inconclusive")


def require_counts(k: float, n: int) -> None:
    """Refuse counts that are not `0 <= k <= n` with `n >= 1`."""
    require_tries(n)
    if not 0 <= k <= n:
        raise ValueError(f"need 0 <= k <= n, got {k} of {n}; k counts successes among the n tries")


def as_scores(name: str, scores: ArrayLike, *, least: int = 1) -> NDArray[np.float64]:
    """Give scores `(n,)` as floats, with -inf lifted to the lowest finite number.

    Lifting keeps a threshold below every score possible, so that a ROC curve can end at (1, 1).
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1 or array.size < least:
        raise ValueError(
            f"need a vector of at least {least} {name} scores, got shape {array.shape}; "
            "with fewer scores the result is inconclusive"
        )
    if np.isnan(array).any():
        raise ValueError(
            f"{np.isnan(array).sum()} of {array.size} {name} scores are NaN; "
            "an attack must score every record, or leave the record out of the question"
        )
    return np.maximum(array, np.finfo(np.float64).min)
