"""Attacks of the bit_flips game: flip bits of the stored numbers."""
