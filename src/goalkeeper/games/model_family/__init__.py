"""Model family: whether the attack recognises the family of the application's own model."""

from __future__ import annotations

from goalkeeper.games.model_family.estimators import build_estimator
from goalkeeper.games.model_family.game import ModelFamilyInference
from goalkeeper.games.shared.hidden_victims import VictimKinds

__all__ = [
    "ModelFamilyInference",
    "VictimKinds",
    "build_estimator",
]
