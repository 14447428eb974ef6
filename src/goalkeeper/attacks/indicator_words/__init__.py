"""Attacks of the indicator_words game: name the words that the model looks at."""
