"""The published schema: complete, described, and good at spelling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goalkeeper.describe import schema
from goalkeeper.describe.document import Key, read
from goalkeeper.describe.problems import nearest
from goalkeeper.describe.schema import Guide
from tests.describe.writing import BASE, TABLE, write_table_app, write_text_app

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk over every object of the schema that has keys of its own."""

    def walk(name: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                yield name, node["properties"]
            for key, value in node.items():
                yield from walk(f"{name}.{key}", value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(name, value)

    return walk("", schema())


ALL_KEYS = [(key, tuple(keys)) for _, keys in sections() for key in keys]


def edits(word: str) -> set[str]:
    """List everything that is one typing slip away."""
    letters = "abcdefghijklmnopqrstuvwxyz_"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    left_out = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    changed = {a + c + b[1:] for a, b in cuts if b for c in letters}
    added = {a + c + b for a, b in cuts for c in letters}
    return (left_out | swapped | changed | added) - {word, ""}


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_key_with_one_slip_is_suggested_rightly(data: st.DataObject) -> None:
    key, siblings = data.draw(st.sampled_from(ALL_KEYS))
    slip = data.draw(st.sampled_from(sorted(edits(key) - set(siblings))))
    assert key in nearest(slip, siblings).replace("?", "").split()


def test_every_key_is_described() -> None:
    bare = [f"{name}.{key}" for name, keys in sections() for key, node in keys.items()
            if not node.get("description")]  # fmt: skip
    assert bare == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_schema_takes_the_examples(path: Path) -> None:
    jsonschema.Draft202012Validator(schema()).validate(read(path).value)


def test_the_schema_is_a_schema_and_takes_good_files_only(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    for path in (write_text_app(tmp_path), write_table_app(tmp_path, TABLE)):
        validator.validate(read(path).value)
    for bad in ("name: x\nharmles: ham", "name: [x]", "wiring: 3\nname: x"):
        path = write_text_app(tmp_path, BASE.replace("name: Small filter", bad))
        text = path.read_text(encoding="utf-8")
        if bad.startswith("wiring"):
            path.write_text(text.replace("wiring: {ham: inbox, spam: spam folder}\n", ""))
        assert not validator.is_valid(read(path).value)


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ((), "goalkeeper"),
        (("data", "train"), "file"),
        (("columns", "age"), "type"),
        (("attackers", 0, "budget"), "queries"),
        (("needs", "privacy", "laws"), "level"),
    ],
)
def test_the_guide_finds_the_keys_of_every_place(key: Key, first: str) -> None:
    assert Guide().keys(key)[0] == first
