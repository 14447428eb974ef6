"""Attacks of the artefact leak game: find training data in the stored model."""
