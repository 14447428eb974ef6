"""Markdown for the generated pages: tables, docstrings, and JSON Schemas as tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

NOTICE = "<!-- Written by docs/generate.py from the code. Do not edit: run `make docs`. -->"


def page(title: str, *blocks: str) -> str:
    """Put a page together, the notice first."""
    return joined(NOTICE, f"# {title}", *blocks) + "\n"


def joined(*blocks: str) -> str:
    """Put blocks one below the other, without the empty ones."""
    return "\n\n".join(block.strip("\n") for block in blocks if block.strip())


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out a table."""
    lines = [head, ["---"] * len(head), *([cell(c) for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(value: object) -> str:
    """Write a value so that it stays in its cell."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").strip() or "-"


def code(text: object) -> str:
    """Mark text as code."""
    return f"`{text}`" if str(text) else ""


def words(items: Iterable[object], none: str = "-") -> str:
    """List items in one line."""
    return ", ".join(str(item) for item in items) or none


def number(value: float) -> str:
    """Write a number for people."""
    if value == float("inf"):
        return "no limit"
    return f"{int(value):,}" if value == int(value) else f"{value:,g}"


def prose(documented: object) -> str:
    """Write a docstring as Markdown: parameter sections of the numpy kind become lists."""
    text = inspect.getdoc(documented) or ""
    text, *sections = re.split(r"^(\w[\w ]+)\n-{3,}\n", text, flags=re.MULTILINE)
    for name, body in zip(sections[::2], sections[1::2], strict=True):
        entries = re.findall(r"^(\S.*)\n((?:[ ]+.*\n?)+)", body, flags=re.MULTILINE)
        listed = [f"- `{key.strip()}`: {' '.join(value.split())}" for key, value in entries]
        text += "\n".join([f"**{name}**", "", *listed, "", ""])
    return text.strip()


def first_line(documented: object) -> str:
    """Return the first line of a docstring, without its full stop."""
    return (inspect.getdoc(documented) or "").split("\n", 1)[0].removesuffix(".")


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets."""
    return re.sub(r"[^\w-]+", "-", heading.lower()).strip("-")


def sections(schema: Mapping[str, Any], title: str) -> Iterator[str]:
    """Write a JSON Schema as one table an object."""
    found = {"": schema, **schema.get("$defs", {})}
    for name, node in found.items():
        options = [node, *node.get("anyOf", ())]
        whole = next((o for o in options if "properties" in o), None)
        about = node.get("description", "") if name else ""
        if whole is None:
            kinds = f"One of {words(map(code, node.get('enum', ())))}." if "enum" in node else ""
            yield joined(f"## {name}", about, kinds)
            continue
        required = whole.get("required", ())
        rows = [
            (code(key), kind(entry), default(key, entry, required), entry.get("description", ""))
            for key, entry in whole["properties"].items()
        ]
        grid = table(("key", "type", "default", "meaning"), rows)
        yield joined(f"## {name or title}", about, grid)


def kind(node: Mapping[str, Any]) -> str:
    """Name the type of a node of a JSON Schema, with a link to what it refers to."""
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        return f"[{name}](#{anchor(name)})"
    if "enum" in node or "const" in node:
        return words(map(code, node.get("enum", [node.get("const")])))
    choices = node.get("anyOf") or node.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(kind(choice) for choice in choices))
    if "additionalProperties" in node and isinstance(node["additionalProperties"], Mapping):
        return f"mapping to {kind(node['additionalProperties'])}"
    named = node.get("type", "anything")
    if named == "array":
        return f"list of {kind(node.get('items') or {})}"
    return str(" or ".join(named) if isinstance(named, list) else named)


def default(key: str, node: Mapping[str, Any], required: Sequence[str]) -> str:
    """Say what stands where a key is left out."""
    if "default" in node:
        empty = node["default"] in ("", [], {}) or isinstance(node["default"], dict)
        return "empty" if empty else code(node["default"])
    return "required" if key in required else "none"
