"""The command line: one file a verb."""

from goalkeeper.cli.main import main

__all__ = ["main"]
