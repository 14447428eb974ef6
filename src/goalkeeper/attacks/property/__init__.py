"""Attacks that play the property game."""
