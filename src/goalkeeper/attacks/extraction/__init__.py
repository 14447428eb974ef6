"""Attacks of the extraction game: hand in a substitute of the target."""
