"""Attacks of the property game: infer how common something is in the training data."""
