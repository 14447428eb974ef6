"""The command line: one file for each verb."""

from goalkeeper.cli.main import main

__all__ = ["main"]
