"""Read JSON and YAML that anybody may have written, and refuse what is not plain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from goalkeeper.core.evidence import DamageCount, Gain, Latency, Proportion, Ratio, Tally

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

LARGEST_YAML = 1 << 20  # bytes
MOST_NODES = 200_000  # of a YAML file, with everything that an alias repeats
LARGEST_COUNT = 10**9
MOST_PAIRED = 2 * 10**7  # exact tests of pairs take time for each of them
EXACT = 2**53  # beyond it, not every whole number is a float


class NotPlain(Exception):
    """A file does not hold what it should; the text says why."""


def read_text(content: bytes) -> str:
    """Decode UTF-8; raises NotPlain."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotPlain("is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise NotPlain("begins with a byte order mark")
    return text


def read_json(content: bytes) -> dict[str, Any]:
    """Read a JSON object; raises NotPlain, also for what parsers read in different ways."""
    text = read_text(content)
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise NotPlain("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise NotPlain(f"is not JSON (line {error.lineno}: {error.msg})") from error
    except ValueError as error:
        raise NotPlain("holds a number that is too large") from error
    if not isinstance(found, dict):
        raise NotPlain("is not a JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise NotPlain(f"holds the key {ascii(double)[:80]} twice")
    return found


def _refuse_constant(name: str) -> None:
    raise NotPlain(f"holds {name}, which is no number of JSON")


def check_yaml(content: bytes) -> None:
    """Check that a YAML file is small, with what its aliases repeat; raises NotPlain."""
    if len(content) > LARGEST_YAML:
        raise NotPlain(f"has more than {LARGEST_YAML:,} bytes")
    try:
        root = yaml.compose(content, Loader=_SafeLoader)
        size = _size(root, {}) if root is not None else 0
    except RecursionError as error:
        raise NotPlain("is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise NotPlain("is not YAML") from error
    if size > MOST_NODES:
        raise NotPlain("repeats itself by aliases too often")


def _size(node: yaml.Node, known: dict[int, float]) -> float:
    """Count the nodes below a node as often as they occur; one that holds itself is infinite."""
    if id(node) not in known:
        known[id(node)] = float("inf")  # until it is known: met again, it holds itself
        known[id(node)] = 1 + sum(_size(inner, known) for inner in _inside(node))
    return known[id(node)]


def _inside(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


# ---- counts --------------------------------------------------------------------------------------


def find_absurd(tallies: Iterator[Tally]) -> str:
    """Say what no attack run can have counted, and what would take for ever to rate; or nothing."""
    paired = 0
    for tally in tallies:
        counts = list(_counts(tally))
        if any(not 0 <= count <= LARGEST_COUNT for count in counts):
            return f"counts below 0 or above {LARGEST_COUNT:,}"
        if isinstance(tally, Proportion | Gain) and tally.both is not None:
            paired += tally.n
        if paired > MOST_PAIRED:
            return f"more than {MOST_PAIRED:,} paired items"
    return ""


def _counts(tally: Tally) -> Iterator[int]:
    if isinstance(tally, Latency):
        return
    if isinstance(tally, Ratio):
        for at in tally.at:
            yield from (at.true_positives, at.positives, at.false_positives, at.negatives)
    elif isinstance(tally, DamageCount):
        yield from (*tally.gained, *tally.lost, tally.n, *(i for item in tally.items for i in item))
    else:
        values = tally.model_dump().values()
        yield from (value for value in values if isinstance(value, int))
