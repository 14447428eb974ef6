"""The exhaustion game: inputs of allowed size whose answers take the target longest."""

from __future__ import annotations

from goalkeeper.games.exhaustion.game import Exhaustion
from goalkeeper.games.exhaustion.question import InputKind, Population, SizeLimits

__all__ = [
    "Exhaustion",
    "InputKind",
    "Population",
    "SizeLimits",
]
