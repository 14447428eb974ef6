"""Attacks that play the attribute game."""
