"""Attacks of the exhaustion game: inputs that take long to answer."""
