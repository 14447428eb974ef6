"""Hyperparameters: the game hides one in the application's own recipe; the attack names it."""

from __future__ import annotations

from goalkeeper.games.hyperparameters.game import HiddenSettings, HyperparameterInference

__all__ = ["HiddenSettings", "HyperparameterInference"]
