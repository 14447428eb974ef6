"""Read YAML so that every value knows its line; values follow YAML 1.2 (`no` is a word)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from goalkeeper.core.errors import DescriptionError

Key = tuple[str | int, ...]

OBJECT: Key = ("model",)  # a trained model that was handed over in Python
DEEPEST = 30  # Levels of nesting; the format has seven.
LARGEST = 20_000  # Values, aliases counted as often as they are used.

_WHOLE = re.compile(r"[-+]?[0-9]+$")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_SPECIAL = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", "+.inf", ".Inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf"), float("-inf")),
}


@dataclass(frozen=True, eq=False)
class Document:
    """The content of an application file, and the line on which each key stands.

    What was described in Python has the same keys, but no file and no lines: errors name the
    argument from which a key comes.

    Parameters
    ----------
    path
        The file; of a description in Python any name in the current folder.
    value
        What stands in it.
    lines
        The line of each key.
    written
        Single values as they stand in the file, e.g. `+2` for the number 2.
    given
        Objects handed over in Python, by the key at which a file would name them.
    arguments
        Names of arguments by key, of a description in Python; None: a file.
    """

    path: Path
    value: Any
    lines: dict[Key, int] = field(default_factory=dict)
    written: dict[Key, str] = field(default_factory=dict)
    given: Mapping[Key, Any] = field(default_factory=dict)
    arguments: Mapping[Key, str] | None = None

    def name(self, key: Key) -> str:
        """Name a key for people: dotted, or by the argument of a description in Python."""
        if self.arguments is None:
            return dotted(key)
        found = next((n for n in range(len(key), 0, -1) if key[:n] in self.arguments), 0)
        if found:
            return dotted((self.arguments[key[:found]], *key[found:]))
        return dotted(key[1:] if key[:1] in (("data",), ("model",)) else key)

    def where(self, key: Key) -> str:
        """Name file and line of a key, or of the nearest entry around it that exists.

        Empty for a description in Python.
        """
        if self.arguments is not None:
            return ""
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.path.name}:{self.lines.get(key, 1)}"

    def at(self, key: Key) -> Any:
        """Return what stands at a key, or None."""
        value = self.value
        for step in key:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def dotted(key: Key) -> str:
    """Write a key as people do: `attackers[1].budget.queries`."""
    text = ""
    for step in key:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read(path: Path) -> Document:
    """Read an application file.

    Raises
    ------
    DescriptionError
        The file is missing, not text, not YAML, has a key twice, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DescriptionError(
            "the file is not UTF-8 text",
            where=path.name,
            given=f"byte {error.object[error.start]:#x} at position {error.start}",
            advice="save it as UTF-8",
        ) from error
    except OSError as error:
        raise DescriptionError(
            f"the application file cannot be read ({error.strerror})",
            where=str(path),
            advice="give the path of an application file, or make one: "
            "goalkeeper init --example spam-filter DIR",
        ) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Document:
    """Read YAML text; `path` is only for messages."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        builder = _Builder(path)
        value = builder.build(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DescriptionError(
            f"this is not YAML: {error.problem or error.context}",
            where=f"{path.name}:{line}",
            advice="look for a missing space after `:`, a tab, or text with `: ` in it that "
            "needs quotes",
        ) from error
    except yaml.YAMLError as error:
        raise DescriptionError(f"this is not YAML: {error}", where=path.name) from error
    except RecursionError as error:
        raise _too_deep(path, 1) from error
    except _TooDeepError as error:
        raise _too_deep(path, error.args[0]) from error
    if not isinstance(value, dict):
        raise DescriptionError(
            "this is not an application file",
            where=f"{path.name}:1",
            expected="keys such as `goalkeeper: 1`, `name:`, `data:`, `model:`",
            given="nothing" if value is None else f"a {kind_of(value)}",
            advice="start from an example: goalkeeper init --example spam-filter DIR",
        )
    return Document(path, value, builder.lines, builder.written)


def kind_of(value: Any) -> str:
    """Name the kind of a YAML value in words."""
    kinds = {dict: "mapping", list: "list", str: "text", bool: "true or false"}
    return kinds.get(type(value), "number")


def _too_deep(path: Path, line: int) -> DescriptionError:
    return DescriptionError(
        "the file is nested too deeply, or refers to itself",
        where=f"{path.name}:{line}",
        expected=f"at most {DEEPEST} levels and {LARGEST} values",
        advice="write the values out instead of using anchors (&) and aliases (*)",
    )


class _TooDeepError(Exception):
    """YAML nodes are nested too deeply; on which line."""


class _Loader(yaml.SafeLoader):
    """Stops at nodes that are nested too deeply: reading on takes the square of their depth."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEEPEST + 1:
            raise _TooDeepError(self.line + 1)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Builder:
    """Turns YAML nodes into plain values and notes the line of each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self.lines: dict[Key, int] = {}
        self.written: dict[Key, str] = {}

    def build(self, node: yaml.Node, key: Key) -> Any:
        line = node.start_mark.line + 1
        self._count += 1
        if len(key) > DEEPEST or self._count > LARGEST:
            raise _too_deep(self._path, line)
        if isinstance(node, yaml.MappingNode):
            self.lines.setdefault(key, line)
            return {name: self.build(child, (*key, name)) for name, child in self._pairs(node, key)}
        if isinstance(node, yaml.SequenceNode):
            self.lines.setdefault(key, line)
            return [self.build(child, (*key, i)) for i, child in enumerate(node.value)]
        self.lines[key] = line
        self.written[key] = str(node.value)
        self._require_whole(node, key)
        value = _scalar(node)
        if value is None and key[:1] == ("classes",) and len(key) > 1:
            return str(node.value)  # a class that is written ~ or null
        return value

    def _require_whole(self, node: yaml.Node, key: Key) -> None:
        """Refuse half of a character, which no file can hold: the report could not be written."""
        try:
            str(node.value).encode()
        except UnicodeEncodeError as error:
            raise DescriptionError(
                "there is half of a character (a surrogate without its partner)",
                where=f"{self._path.name}:{node.start_mark.line + 1}",
                key=dotted(key),
                given=ascii(error.object[error.start : error.end]),
                advice="write the whole character, without \\u",
            ) from error

    def _pairs(self, node: yaml.MappingNode, key: Key) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for name_node, child in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode) or name_node.value == "<<":
                raise DescriptionError(
                    "keys must be plain words",
                    where=f"{self._path.name}:{line}",
                    key=dotted(key),
                    advice="write the entries out",
                )
            self._require_whole(name_node, key)
            name = as_text(_scalar(name_node))
            if name in seen:
                raise DescriptionError(
                    "this key is given twice",
                    where=f"{self._path.name}:{line}",
                    key=dotted((*key, name)),
                    given=f"first on line {seen[name]}, again here",
                    advice="keep one of the two",
                )
            seen[name] = self.lines[(*key, name)] = line
            yield name, child


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) is not None or node.tag == "!":
        return text
    return plain_value(text)


def plain_value(text: str) -> Any:
    """Read a word as YAML 1.2 reads it where it stands without quotes: `no` is a word."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _WHOLE.match(text) and not re.match(r"[-+]?0[0-9]", text):
        return int(text)
    if _REAL.match(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    return text


def as_text(value: Any) -> Any:
    """Write a scalar as a name: 0 is "0", true is "True" as in Python; other values stay."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value
