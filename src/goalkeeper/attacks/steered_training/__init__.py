"""Attacks of the steered_training game: choose seed, order or weights of the training."""
