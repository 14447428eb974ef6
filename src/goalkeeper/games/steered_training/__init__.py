"""Steered training: the attack chooses seed, order or weights, and the game trains both ways."""

from __future__ import annotations

from goalkeeper.core.steering import Steering
from goalkeeper.games.steered_training.aim import TrainingAim
from goalkeeper.games.steered_training.effects import unfit_order, unfit_seed, unfit_weights
from goalkeeper.games.steered_training.game import SteeredTraining

__all__ = [
    "SteeredTraining",
    "Steering",
    "TrainingAim",
    "unfit_order",
    "unfit_seed",
    "unfit_weights",
]
