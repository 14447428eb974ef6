"""The nonsense game: inputs that make no sense must not lead to invalid states."""

from __future__ import annotations

from goalkeeper.games.nonsense.game import Nonsense, NonsenseInput, NonsenseInputs, OrdinaryExamples

__all__ = [
    "Nonsense",
    "NonsenseInput",
    "NonsenseInputs",
    "OrdinaryExamples",
]
