"""The attribute game: guess a sensitive column of training records from the rest and the model."""

from __future__ import annotations

from goalkeeper.games.attribute.game import AttributeInference, IncompleteRecords
from goalkeeper.games.attribute.imputer import find_imputer

__all__ = [
    "AttributeInference",
    "IncompleteRecords",
    "find_imputer",
]
