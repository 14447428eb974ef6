"""The artefact leak game: find training records in the stored model, without any question to it."""

from __future__ import annotations

from goalkeeper.games.artefact_leak.claims import Claims, Regions, WordSets, records
from goalkeeper.games.artefact_leak.game import ArtefactLeak, Sought

__all__ = [
    "ArtefactLeak",
    "Claims",
    "Regions",
    "Sought",
    "WordSets",
    "records",
]
