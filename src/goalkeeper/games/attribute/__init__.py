"""The attribute game: guess a sensitive column of training records from the rest and the model."""

from __future__ import annotations

from goalkeeper.games.attribute.game import AttributeInference, IncompleteRecords

__all__ = [
    "AttributeInference",
    "IncompleteRecords",
]
