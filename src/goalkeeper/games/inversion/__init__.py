"""The inversion game: reconstruct the average input of every class."""

from __future__ import annotations

from goalkeeper.games.inversion.game import Inversion, Sought
from goalkeeper.games.inversion.items import Averages, middle

__all__ = [
    "Averages",
    "Inversion",
    "Sought",
    "middle",
]
