"""Bit flips: the attack names bits of the stored numbers, and the game flips them in a copy."""

from __future__ import annotations

from goalkeeper.core.stored_numbers import Stored
from goalkeeper.games.bit_flips.bits import Flip, bit_width, flip_bits, flip_each_bit
from goalkeeper.games.bit_flips.game import BitFlipping
from goalkeeper.games.bit_flips.marks import FlipAim, Flips

__all__ = [
    "BitFlipping",
    "Flip",
    "FlipAim",
    "Flips",
    "Stored",
    "bit_width",
    "flip_bits",
    "flip_each_bit",
]
