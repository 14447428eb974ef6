"""The exhaustion game: inputs of allowed size whose answers take the target longest."""

from __future__ import annotations

from goalkeeper.games.exhaustion.game import Exhaustion, Kind, Population, Room

__all__ = [
    "Exhaustion",
    "Kind",
    "Population",
    "Room",
]
