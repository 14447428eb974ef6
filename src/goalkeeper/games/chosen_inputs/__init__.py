"""Chosen inputs: the attack picks ordinary inputs that trigger a wrong reaction of the system."""

from __future__ import annotations

from goalkeeper.games.chosen_inputs.game import ChosenInputs
from goalkeeper.games.chosen_inputs.pool import InputPool

__all__ = [
    "ChosenInputs",
    "InputPool",
]
