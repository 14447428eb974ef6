"""What is still open, one line for each reason."""

from __future__ import annotations

from collections.abc import Iterable

from goalkeeper.core.assessment import Gap
from goalkeeper.report.parts import merge_rows
from goalkeeper.report.sentences import tell_reason

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
    why = tell_reason(reason)
    if len(variants) == 1:
        ((variant, attackers),) = variants.items()
        return f"{name_variant(variant)} by {attackers.replace('_', ' ')}: {why}"
    return f"{_shortlist(tuple(map(name_variant, variants)))}: {why}"


def name_variant(variant: str) -> str:
    """Write a variant in words: `membership, label only`."""
    return variant.replace(".", ", ").replace("_", " ")


def _shortlist(names: tuple[str, ...]) -> str:
    """Name the first few, and count the rest."""
    rest = len(names) - MOST_NAMES
    if rest <= 0:
        return "; ".join(names)
    return f"{'; '.join(names[:MOST_NAMES])}; and {rest} more"
