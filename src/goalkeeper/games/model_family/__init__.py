"""Model family: the game trains models of hidden families; the attack names the family of each."""

from __future__ import annotations

from goalkeeper.games.model_family.game import ModelFamilyInference
from goalkeeper.games.shared.hidden_victims import VictimKinds

__all__ = [
    "ModelFamilyInference",
    "VictimKinds",
]
