"""Attacks of the attribute game: infer a sensitive column of training records."""
