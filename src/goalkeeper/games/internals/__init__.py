"""The internals game: tell what a model looks at, what kind it is, and how it was trained."""

from __future__ import annotations

from goalkeeper.games.internals.game import TASK, Internals, Ranking, Sought
from goalkeeper.games.internals.victims import STRENGTHS, Choices, logistic

__all__ = [
    "Choices",
    "Internals",
    "Ranking",
    "STRENGTHS",
    "Sought",
    "TASK",
    "logistic",
]
