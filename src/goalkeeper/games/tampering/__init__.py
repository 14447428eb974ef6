"""Tampering: change what is stored, swap it, or steer how it is trained."""

from __future__ import annotations

from goalkeeper.core.steering import Steering
from goalkeeper.games.tampering.bits import Flip, every_flip, flipped, width
from goalkeeper.games.tampering.files import Replacement, Replacements, Slot
from goalkeeper.games.tampering.flips import FlipAim, Flips
from goalkeeper.games.tampering.game import Tampering
from goalkeeper.games.tampering.steering import TrainingAim, orderless, seedless, weightless

__all__ = [
    "Flip",
    "FlipAim",
    "Flips",
    "Replacement",
    "Replacements",
    "Slot",
    "Steering",
    "Tampering",
    "TrainingAim",
    "every_flip",
    "flipped",
    "orderless",
    "seedless",
    "weightless",
    "width",
]
