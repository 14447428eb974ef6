"""Attacks that change part of the training data."""
