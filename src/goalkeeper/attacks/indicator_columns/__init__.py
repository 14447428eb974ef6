"""Attacks of the indicator_columns game: name the columns that the model looks at."""
