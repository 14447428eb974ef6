"""What is still open, one line for each reason."""

from __future__ import annotations

from collections.abc import Iterable

from goalkeeper.core.assessment import Gap
from goalkeeper.report.parts import merge_rows

MOST_NAMES = 8


def open_lines(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """Write one line for each reason: reasons of one variant first, the most frequent last."""
    rows = merge_rows(((g.variant, g.attacker, g.reason) for g in gaps), 1)
    by_reason: dict[str, dict[str, str]] = {}
    for variant, attackers, reason in rows:
        by_reason.setdefault(reason, {})[variant] = attackers
    lines = sorted(by_reason.items(), key=lambda item: len(item[1]))
    return tuple(_line(reason, variants) for reason, variants in lines)


def _line(reason: str, variants: dict[str, str]) -> str:
    if len(variants) == 1:
        ((variant, attackers),) = variants.items()
        return f"{variant} by {attackers}: {reason}"
    why = reason.removeprefix("not tested: ")
    return f"{len(variants)} variants: {why}: {_shortlist(tuple(variants))}"


def _shortlist(names: tuple[str, ...]) -> str:
    """Name the first few, and count the rest."""
    rest = len(names) - MOST_NAMES
    if rest <= 0:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMES])}, and {rest} more"
