"""Attacks that change inputs, one file each; `_driver` runs them all."""
