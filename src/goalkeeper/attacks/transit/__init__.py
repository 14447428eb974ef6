"""Attacks of the transit game: tamper with answers on their way."""
