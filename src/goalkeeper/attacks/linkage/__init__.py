"""Attacks of the linkage game: tell which answers belong to the same person."""
