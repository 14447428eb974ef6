"""Attacks of the nonsense game: inputs that make no sense."""
