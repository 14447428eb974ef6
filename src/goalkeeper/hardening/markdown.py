"""What hardening tried, as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.hardening.page import describe_hardening
from goalkeeper.hardening.records import Hardening
from goalkeeper.report.gfm import code, escape, table_lines


def render_hardening(found: Hardening) -> str:
    """Render it: what the accepted defences do together, what each does, and what was left out."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Hardening) -> Iterator[str]:
    part = describe_hardening(found)
    yield f"# Hardening of {escape(found.application)}"
    yield from ("", escape(part.sentence))
    for table in part.tables:
        yield from ("", f"## {escape(table.caption)}", "", *table_lines(table))
    for what, path in (("application", found.hardened), ("report", found.report)):
        if path:
            yield from ("", f"The hardened {what}: {code(path)}" if found.hardened else code(path))
