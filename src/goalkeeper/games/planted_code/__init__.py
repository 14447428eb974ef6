"""Planted code: the attack hides code in the stored model; which files pass the check."""

from __future__ import annotations

from goalkeeper.games.planted_code.game import GenuineFile, PlantedCode
from goalkeeper.games.shared.model_files import Replacement, Replacements

__all__ = [
    "GenuineFile",
    "PlantedCode",
    "Replacement",
    "Replacements",
]
