"""Measurements beside peers.

A package of its own, so that another one of this name, which some library installs, is not found
instead.
"""
