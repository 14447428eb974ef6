"""Attacks that play the membership game."""
