"""Swapped file: the attack puts files in place of the stored model; which are used unnoticed."""

from __future__ import annotations

from goalkeeper.games.shared.model_files import Replacement, Replacements
from goalkeeper.games.swapped_file.game import AvailableModelFiles, SwappedFile

__all__ = [
    "AvailableModelFiles",
    "Replacement",
    "Replacements",
    "SwappedFile",
]
