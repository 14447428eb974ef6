"""What hardening tried, as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.hardening.page import describe_hardening
from goalkeeper.hardening.records import Hardening
from goalkeeper.report.gfm import escape
from goalkeeper.report.parts import Table


def render_hardening(found: Hardening) -> str:
    """Render it: what the accepted defences do together, what each does, and what was left out."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Hardening) -> Iterator[str]:
    part = describe_hardening(found)
    yield f"# Hardening of {escape(found.application)}"
    yield from ("", escape(part.sentence))
    for table in part.tables:
        yield from ("", f"## {escape(table.caption)}", "", *_table(table))
    for what, path in (("application", found.hardened), ("report", found.report)):
        if path:
            yield from ("", f"The hardened {what}: `{path}`" if found.hardened else f"`{path}`")


def _table(table: Table) -> Iterator[str]:
    yield _row(*table.head)
    yield _row(*("---" for _ in table.head))
    for row in table.rows:
        yield _row(*row)


def _row(*cells: str) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"
