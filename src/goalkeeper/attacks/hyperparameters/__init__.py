"""Attacks of the hyperparameters game: name how models were regularised."""
