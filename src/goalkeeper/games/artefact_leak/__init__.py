"""The artefact leak game: find training records in the stored model, without any question to it."""

from __future__ import annotations

from goalkeeper.games.artefact_leak.claims import Claims, Regions, WordSets, claim_records
from goalkeeper.games.artefact_leak.game import ArtefactLeak, ClaimLimit

__all__ = [
    "ArtefactLeak",
    "ClaimLimit",
    "Claims",
    "Regions",
    "WordSets",
    "claim_records",
]
