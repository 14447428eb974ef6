"""Format sizes and counts for people."""

from __future__ import annotations

from goalkeeper.core.amounts import SIZES, parse_seconds, parse_size

__all__ = ["count_runs", "format_size", "parse_seconds", "parse_size"]


def format_size(size: float) -> str:
    """Format a number of bytes for people."""
    for unit, factor in reversed(SIZES.items()):
        if size >= factor:
            return f"{size / factor:.3g} {unit}iB"
    return f"{size:.0f} B"


def count_runs(number: int) -> str:
    """Write a number of attack runs."""
    return "1 attack run" if number == 1 else f"{number:,} attack runs"
