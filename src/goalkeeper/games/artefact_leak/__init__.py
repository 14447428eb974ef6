"""The artefact leak game: find training records in the stored model, without any question to it."""

from __future__ import annotations

from goalkeeper.games.artefact_leak.claims import (
    Claims,
    Regions,
    WordSets,
    claim_records,
)
from goalkeeper.games.artefact_leak.game import ArtefactLeak, ClaimLimit
from goalkeeper.games.artefact_leak.word_regions import HashedWeights, WordRegions, WordWeights

__all__ = [
    "ArtefactLeak",
    "ClaimLimit",
    "Claims",
    "HashedWeights",
    "Regions",
    "WordRegions",
    "WordSets",
    "WordWeights",
    "claim_records",
]
