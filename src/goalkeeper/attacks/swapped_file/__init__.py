"""Attacks of the swapped_file game: put another file in place of the stored model."""
