"""The linkage game: two releases of answers about the same people; tell who is who."""

from __future__ import annotations

from goalkeeper.games.linkage.game import Linkage, Releases

__all__ = [
    "Linkage",
    "Releases",
]
