"""Attacks of the tampering game: change stored numbers or files, or steer training."""
