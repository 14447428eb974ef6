"""The attribute game: guess a sensitive column of training records from the rest and the model."""

from __future__ import annotations

from goalkeeper.games.attribute.game import AttributeInference, Incomplete
from goalkeeper.games.attribute.imputer import imputer_for

__all__ = [
    "AttributeInference",
    "Incomplete",
    "imputer_for",
]
