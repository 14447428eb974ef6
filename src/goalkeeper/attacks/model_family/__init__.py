"""Attacks of the model_family game: name the family of models."""
