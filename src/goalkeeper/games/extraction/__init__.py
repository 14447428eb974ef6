"""The extraction game: hand in a substitute that answers as the target does."""

from __future__ import annotations

from goalkeeper.games.extraction.game import Extraction, Original
from goalkeeper.games.extraction.stolen import opened, stored_file, trusted
from goalkeeper.games.extraction.substitutes import Substitute

__all__ = [
    "Extraction",
    "Original",
    "Substitute",
    "opened",
    "stored_file",
    "trusted",
]
