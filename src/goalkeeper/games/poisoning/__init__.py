"""Poisoning: change part of the training data, so that the retrained victim does harm."""

from __future__ import annotations

from goalkeeper.games.poisoning.change import Aim, Contribution
from goalkeeper.games.poisoning.game import Poisoning
from goalkeeper.games.poisoning.triggers import Pattern, Trigger, Values, Words

__all__ = [
    "Aim",
    "Contribution",
    "Pattern",
    "Poisoning",
    "Trigger",
    "Values",
    "Words",
]
