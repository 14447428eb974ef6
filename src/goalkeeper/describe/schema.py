"""The published JSON Schema of the application file, generated from its form."""

from __future__ import annotations

from typing import Any

from goalkeeper.describe.document import Key
from goalkeeper.describe.form import VERSION
from goalkeeper.describe.whole_form import application_form

FILE_NAME = "application.schema.json"
HEADER = f"# yaml-language-server: $schema={FILE_NAME}\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the application file, for editors."""
    made = application_form().model_json_schema()
    made.pop("title", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:goalkeeper:application:{VERSION}",
        "title": "goalkeeper application file",
        **_plain(made),
    }


def _plain(value: Any) -> Any:
    """Leave out generated titles and `null` alternatives, which only add noise in an editor."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    node = {
        name: {k: _plain(v) for k, v in item.items()}
        if name in ("properties", "$defs")
        else _plain(item)
        for name, item in value.items()
        if not (name == "title" and isinstance(item, str))
        and not (name == "default" and item is None)
    }
    choices = [c for c in node.get("anyOf", []) if c != {"type": "null"}]
    if len(choices) == 1:
        del node["anyOf"]
        node = {**choices[0], **node}
    elif choices:
        node["anyOf"] = choices
    return node


class Guide:
    """Answers what the schema says of a key, for error messages."""

    def __init__(self) -> None:
        self._root = schema()

    def at(self, key: Key) -> dict[str, Any]:
        """Return the schema of a key; empty where the schema knows no such key."""
        node = self._root
        for step in key:
            node = self._step(node, step)
        return self._resolved(node)

    def keys(self, key: Key) -> tuple[str, ...]:
        """List the keys that may stand below a key."""
        return tuple(self._object(self.at(key)).get("properties", ()))

    def about(self, key: Key) -> str:
        """Say what is expected at a key: its choices, or its description."""
        node = self.at(key)
        choices = node.get("enum") or ([node["const"]] if "const" in node else [])
        if choices:
            return "one of " + ", ".join(str(choice) for choice in choices)
        return str(node.get("description", ""))

    def _step(self, node: dict[str, Any], step: str | int) -> dict[str, Any]:
        node = self._resolved(node)
        if isinstance(step, int):
            inner = next((c for c in _choices(node) if "items" in c), {}).get("items", {})
        else:
            whole = self._object(node)
            inner = whole.get("properties", {}).get(step) or whole.get("additionalProperties")
        return inner if isinstance(inner, dict) else {}

    def _object(self, node: dict[str, Any]) -> dict[str, Any]:
        found = [self._resolved(c) for c in _choices(node)]
        return next((c for c in found if c.get("type") == "object"), {})

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            name = node["$ref"].rsplit("/", 1)[-1]
            node = {**self._root["$defs"][name], **{k: v for k, v in node.items() if k != "$ref"}}
        return node


def _choices(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *node.get("anyOf", ())]
