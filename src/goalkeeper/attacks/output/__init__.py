"""Attacks of the output game: make the surrounding system react wrongly."""
