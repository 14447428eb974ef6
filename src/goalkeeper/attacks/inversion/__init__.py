"""Attacks of the inversion game: reconstruct the average of each class."""
