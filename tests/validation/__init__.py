"""What goalkeeper states, measured: rows of one table, each a claim, its measurement and a limit.

A module of this package with a tuple `ROWS` adds its rows; nothing else is to be registered.
"""
