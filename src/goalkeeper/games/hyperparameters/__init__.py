"""Hyperparameters: the game trains models of hidden regularisation; the attack names it of each."""

from __future__ import annotations

from goalkeeper.games.hyperparameters.game import (
    STRENGTHS,
    HyperparameterInference,
    build_logistic,
)
from goalkeeper.games.shared.hidden_victims import VictimKinds

__all__ = [
    "STRENGTHS",
    "HyperparameterInference",
    "VictimKinds",
    "build_logistic",
]
