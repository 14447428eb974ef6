"""GitHub Flavored Markdown: tables and lists, with every text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from goalkeeper.report.parts import Table

__all__ = ["code", "escape", "items", "table_lines"]

# What can be markup anywhere in a line, and what can be markup at its start.
_MARKUP = re.compile(r"([\\`*\[\]<>#|&~]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.)")
_LIST = re.compile(r"^(\d*)([-+.)=])(?=[\s=-]|$)")
# What GitHub and GitLab turn into mentions of people and issues even where it is escaped.
_MENTION = re.compile(r"(@|#|(?<!\w)GH-)(?=\w)", re.IGNORECASE)
_BREAK = "&#8203;"  # a space without width


def table_lines(table: Table) -> Iterator[str]:
    """Yield a table as one block; nothing if it has no rows."""
    if table:
        lines = [table.head, ("---",) * len(table.head)]
        lines += [tuple(map(escape, row)) for row in table.rows]
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def items(texts: Iterable[str]) -> str:
    """Write a list."""
    return "\n".join(f"- {escape(text)}" for text in texts)


def escape(text: str) -> str:
    """Write a text on one line, so that no character in it is markup, and nobody is mentioned."""
    escaped = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    return _MENTION.sub(rf"\1{_BREAK}", _LIST.sub(r"\1\\\2", escaped))


def code(text: str) -> str:
    """Write a text as code; its fence is longer than any run of backticks in it."""
    line = " ".join(text.split())
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}"
