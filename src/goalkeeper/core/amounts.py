"""Amounts that users state: times and sizes (90s, 10m, 30d; 500M, 4G), and the effort."""

from __future__ import annotations

from goalkeeper.core.errors import DescriptionError

TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MIN_EFFORT, MAX_EFFORT = 0.25, 16.0  # by which sample sizes may be multiplied
SIZES = {"K": 2.0**10, "M": 2.0**20, "G": 2.0**30, "T": 2.0**40}


def parse_seconds(text: str, key: str) -> float:
    """Parse a time such as 90, 45s, 10m, 2h or 30d; empty: no limit. Raises DescriptionError."""
    return _parse_amount(text, key, TIMES, "s", "a time, e.g. 90s, 10m, 2h, 30d")


def parse_size(text: str, key: str) -> float:
    """Parse a size such as 500M or 4G into bytes; empty: no limit. Raises DescriptionError."""
    return _parse_amount(text, key, SIZES, "", "a size, e.g. 500M, 4G")


def _parse_amount(
    text: str, key: str, units: dict[str, float], default: str, expected: str
) -> float:
    if not text:
        return float("inf")
    number, unit = (text[:-1], text[-1]) if text[-1] in units else (text, default)
    try:
        amount = float(number) * units.get(unit, 1.0)
    except ValueError:
        amount = 0.0
    if not 0 < amount < float("inf"):
        raise DescriptionError(
            f"the value of {key} cannot be parsed", key=key, expected=expected, given=text
        )
    return amount
