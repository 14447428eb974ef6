"""The output game: make the surrounding system react wrongly to what the model says."""

from __future__ import annotations

from goalkeeper.games.output.game import Output
from goalkeeper.games.output.marks import Pool, Traffic
from goalkeeper.games.output.system import Messages, Rewrite, rewritten, without

__all__ = [
    "Messages",
    "Output",
    "Pool",
    "Rewrite",
    "Traffic",
    "rewritten",
    "without",
]
