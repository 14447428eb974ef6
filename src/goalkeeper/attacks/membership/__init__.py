"""Attacks of the membership game: distinguish training records from others."""
