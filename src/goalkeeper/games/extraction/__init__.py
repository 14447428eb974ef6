"""The extraction game: hand in a substitute that answers as the target does."""

from __future__ import annotations

from goalkeeper.games.extraction.game import Extraction, PublicInterface
from goalkeeper.games.extraction.stolen import find_stored_file, is_trusted, open_model
from goalkeeper.games.extraction.substitutes import Substitute

__all__ = [
    "Extraction",
    "PublicInterface",
    "Substitute",
    "find_stored_file",
    "is_trusted",
    "open_model",
]
