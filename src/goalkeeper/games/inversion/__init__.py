"""The inversion game: reconstruct the average input of every class."""

from __future__ import annotations

from goalkeeper.games.inversion.game import Inversion, InversionQuestion
from goalkeeper.games.inversion.questions import ClassAverages, centre_and_width

__all__ = [
    "ClassAverages",
    "Inversion",
    "InversionQuestion",
    "centre_and_width",
]
