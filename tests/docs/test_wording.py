"""The wording that users see: plain terms of the field, and one public class for each name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from goalkeeper.cli.main import build
from tests.docs.pages import EVERYTHING, ROOT, generated, read, short

SRC = ROOT / "src" / "goalkeeper"
# What must be read twice, or is not the field's term, and what to write instead.
BANNED = {
    r"dear(?:er|est|ly)?": "costly, expensive",
    r"(?:un)?play(?:s|ed|ing|ers?)?": "run, attack run",
    r"told|tells|telling": "distinguished, shown, reported",
    r"tell\b[^.;:]{0,60}?\b(?:apart|from)": "distinguish",
    r"rightly": "correctly",
    r"mend(?:s|ed|ing)?": "fix, correct",
    r"strangers?": "non-members, third party",
    r"luck(?:y|ily)?": "chance, random variation",
    r"anew": "again",
    r"go(?:es|ing)? on": "continue",
    r"commonest": "most frequent",
    r"surest": "most confident",
    r"by heart": "memorised",
    r"endless": "unlimited",
}
ALLOWED = {"Plug and Play Attacks": "title of a cited paper"}
# Strings that are data, not sentences: the module and the name that they are assigned to.
DATA = {
    ("__init__.py", "_DEPRECATED"): "former public names",
    ("games/evasion/synonyms.py", "GROUPS"): "word list",
    ("testing/worlds/kit.py", "WORDS"): "word list",
}
WORDS = re.compile("|".join(rf"\b(?:{word})\b" for word in BANNED), re.IGNORECASE)


def banned(text: str) -> list[str]:
    """List the banned words of a text in their context; names in code style are left out."""
    for phrase in ALLOWED:
        text = text.replace(phrase, "")
    text = " ".join(re.sub(r"`[^`\n]*`", "", text).split())
    return [text[max(0, m.start() - 30) : m.end() + 30] for m in WORDS.finditer(text)]


def visible(path: Path) -> Iterator[tuple[int, str]]:
    """Find what users can see of a module: public docstrings, and every other string literal."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = path.relative_to(SRC).as_posix()
    tree.body = [node for node in tree.body if (module, _assigned(node)) not in DATA]
    yield from _visible(tree, public=True)


def _assigned(statement: ast.stmt) -> str:
    """Return the name that a statement assigns to; empty if it does not assign to one."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _visible(node: ast.AST, *, public: bool) -> Iterator[tuple[int, str]]:
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        public = public and not getattr(node, "name", "").startswith("_")
        first = node.body[0] if node.body else None
        docstring = ast.get_docstring(node, clean=False)
        if docstring is not None and first is not None:
            children.remove(first)
            if public:
                yield first.lineno, docstring
        public = public and not isinstance(node, ast.FunctionDef)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    for child in children:
        yield from _visible(child, public=public)


def helps() -> Iterator[tuple[str, str]]:
    """Print the help of the command line, verb by verb."""
    for verb in ("", *getattr(get_command(build()), "commands", {})):
        arguments = [verb, "--help"] if verb else ["--help"]
        yield verb, CliRunner().invoke(build(), arguments, prog_name="goalkeeper").output


def test_every_rule_finds_its_words_and_no_others() -> None:
    said = "Plays the dear one, told anew; tell members from strangers by heart, with luck: go on."
    assert len(banned(said)) == 9
    assert banned("A replayed display of dearth, plucked; Plug and Play Attacks.") == []


@pytest.mark.parametrize(("module", "name"), DATA)
def test_every_exception_is_needed(module: str, name: str) -> None:
    tree = ast.parse((SRC / module).read_text(encoding="utf-8"))
    strings = [
        node.value
        for statement in tree.body
        if _assigned(statement) == name
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert banned(" ".join(strings))


def test_messages_and_docstrings_use_plain_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {hit}"
        for path in sorted(SRC.rglob("*.py"))
        for line, text in visible(path)
        for hit in banned(text)
    ]
    assert not found, "\n".join(found)


def test_help_uses_plain_words() -> None:
    found = [f"{verb}: {hit}" for verb, text in helps() for hit in banned(text)]
    assert not found, "\n".join(found)


def test_templates_policies_and_examples_use_plain_words() -> None:
    paths = [
        *SRC.rglob("*.html"),
        *SRC.rglob("*.yaml"),
        *SRC.rglob("*.schema.json"),
        *(ROOT / "examples").glob("*.yaml"),
        *(ROOT / "docs").glob("*.yaml"),
    ]
    found = [
        f"{path.relative_to(ROOT)}: {hit}"
        for path in sorted(paths)
        for hit in banned(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_pages_use_plain_words() -> None:
    found = [
        f"{short(page)}: {hit}"
        for page in [*EVERYTHING, ROOT / "CHANGELOG.md", *generated()]
        for hit in banned(read(page))
    ]
    assert not found, "\n".join(found)


def test_a_public_class_name_is_defined_once() -> None:
    homes = defaultdict(list)
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(SRC)))
    twice = {name: paths for name, paths in homes.items() if len(paths) > 1}
    assert not twice, twice
