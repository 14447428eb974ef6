"""The hardened model of the example; images come as 1 x 8 x 8 pixels from 0 to 1."""

from collections.abc import Mapping
from typing import Any

SURE = 0.9  # a digit with a lower score is typed in by hand


def react(label: str, scores: Mapping[str, float] | None) -> str:
    """Return what becomes of a digit: it is entered as it was read, or a person types it in."""
    if scores is None or max(scores.values()) < SURE:
        return "typed in by hand"
    return f"entered as {label}"


def build() -> Any:
    """Return an untrained network whose weights are kept small, so that it remembers less."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((32,), alpha=5.0, learning_rate_init=0.01, max_iter=400, tol=1e-3)
