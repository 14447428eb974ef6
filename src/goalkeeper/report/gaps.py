"""What is still open, one line for each reason."""

from __future__ import annotations

from collections.abc import Iterable

from goalkeeper.core.assessment import Gap
from goalkeeper.report.language import _
from goalkeeper.report.parts import merge_rows
from goalkeeper.report.stored import retell_reason

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
        return _("{variant} by {attackers}: {reason}").format(
            variant=variant, attackers=attackers, reason=retell_reason(reason)
        )
    why = retell_reason(reason.removeprefix("not tested: "))
    return _("{n} variants: {reason}: {names}").format(
        n=len(variants), reason=why, names=_shortlist(tuple(variants))
    )


def _shortlist(names: tuple[str, ...]) -> str:
    """Name the first few, and count the rest."""
    rest = len(names) - MOST_NAMES
    if rest <= 0:
        return ", ".join(names)
    return _("{names}, and {n} more").format(names=", ".join(names[:MOST_NAMES]), n=rest)
