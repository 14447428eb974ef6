"""Attacks of the teaching game: give feedback that teaches an application what is wrong."""
