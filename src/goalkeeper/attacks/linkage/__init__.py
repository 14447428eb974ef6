"""Attacks of the linkage game: link answers about the same person."""
