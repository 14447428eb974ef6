"""The nonsense game: inputs that make no sense must not lead to invalid states."""

from __future__ import annotations

from goalkeeper.games.nonsense.game import Collection, Nonsense, Odd, Ordinary

__all__ = [
    "Collection",
    "Nonsense",
    "Odd",
    "Ordinary",
]
