"""Attacks of the chosen_inputs game: choose inputs that trigger a wrong reaction."""
