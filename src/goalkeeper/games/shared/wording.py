"""Shares as the sentences of a game write them: no more digits than people read."""

from __future__ import annotations


def percent(share: float) -> str:
    """Write `96 %`, `7.6 %` or `below 0.1 %`; nothing is rounded to exactly 0 or 100 %."""
    if 0 < share < 0.0005:
        return "below 0.1 %"
    if 0.9995 <= share < 1:
        return "above 99.9 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def span(low: float, high: float) -> str:
    """Write `86.3 to 99.5 %`."""
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def rate(value: float, low: float, high: float) -> str:
    """Write `96 % (86.3 to 99.5 %)`."""
    return f"{percent(value)} ({span(low, high)})"
