"""Poisoning: change part of the training data, so that the retrained victim does harm."""

from __future__ import annotations

from goalkeeper.games.poisoning.change import Contribution, PoisoningQuestion
from goalkeeper.games.poisoning.game import Poisoning
from goalkeeper.games.poisoning.triggers import PixelTrigger, Trigger, ValueTrigger, WordTrigger

__all__ = [
    "Contribution",
    "PixelTrigger",
    "Poisoning",
    "PoisoningQuestion",
    "Trigger",
    "ValueTrigger",
    "WordTrigger",
]
