"""Attacks of the planted_code game: hide code in the stored model."""
