"""Attacks of the internals game: tell what the target looks at."""
