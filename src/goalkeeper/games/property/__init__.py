"""The property game: tell how common something is in the training data as a whole."""

from __future__ import annotations

from goalkeeper.games.property.game import PropertyInference
from goalkeeper.games.property.worlds import TRAINED, Worlds

__all__ = [
    "PropertyInference",
    "TRAINED",
    "Worlds",
]
