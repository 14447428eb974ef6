"""The public surface is what its page says, and our own attacks live on it."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from goalkeeper.core import plugins
from tests.docs.pages import DOCS, ROOT

PAGE = DOCS / "explanation" / "public-surface.md"
SRC = ROOT / "src" / "goalkeeper"
ROWS = re.findall(r"^\| `(goalkeeper[\w.]*)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
GAMES = sorted(p.parent.name for p in (SRC / "games").glob("*/game.py"))


def expanded() -> dict[str, str]:
    """Map each module of the page to the names that the page gives; GAME is every game."""
    found = {}
    for module, names in ROWS:
        if "|" in names:  # the table of entry points
            continue
        for game in GAMES if "GAME" in module else [""]:
            found[module.replace("GAME", game)] = names
    return found


PUBLIC = expanded()


def public(module: ModuleType) -> list[str]:
    names: list[str] = getattr(module, "__all__", [])
    return names


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_module_says_what_is_public(name: str) -> None:
    """It has `__all__`, each name once; all of them exist and say what they are."""
    module = import_module(name)
    names = public(module)
    assert names, f"{name} has no __all__"
    assert len(names) == len(set(names))
    assert (module.__doc__ or "").strip()
    for each in names:
        thing = getattr(module, each)
        own = getattr(thing, "__module__", "").startswith("goalkeeper")
        if own and (isinstance(thing, type) or callable(thing)):
            assert (thing.__doc__ or "").strip(), f"{name}.{each} has no docstring"


@pytest.mark.parametrize("name", [n for n, said in PUBLIC.items() if not said.startswith("all")])
def test_the_page_names_what_the_module_does(name: str) -> None:
    said = re.findall(r"`(\w+)`", PUBLIC[name])
    assert sorted(said) == sorted(public(import_module(name)))


def test_every_game_is_public() -> None:
    assert GAMES
    assert {f"goalkeeper.games.{game}" for game in GAMES} <= set(PUBLIC)


def test_our_attacks_live_on_the_public_surface() -> None:
    """What a plug-in may import is enough: ours import nothing else, but for what they share."""
    private = []
    for path in sorted((SRC / "attacks").rglob("*.py")):
        if path.name.startswith("_"):  # what attacks of a family share, and the package itself
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("goal"):
                continue
            module = node.module or ""
            if module.rpartition(".")[2].startswith("_"):
                continue
            known = public(import_module(module)) if module in PUBLIC else []
            private += [
                f"{path.name}: {module}.{a.name}" for a in node.names if a.name not in known
            ]
    assert private == []


def test_the_page_names_every_entry_point_group() -> None:
    told = re.findall(r"^\| `(goalkeeper\.\w+)` \| [^|]+ \| [^|]* \|$", PAGE.read_text(), re.M)
    groups = {v for k, v in vars(plugins).items() if k.isupper() and isinstance(v, str)}
    assert set(told) == groups
    assert len(told) == len(groups) == 5


def test_deprecated_names_are_those_of_the_code() -> None:
    import goalkeeper

    page = (DOCS / "explanation" / "versions.md").read_text()
    told = re.findall(r"^\| `goalkeeper\.(\w+)` \| `goalkeeper\.(\w+)` \| (\S+) \|$", page, re.M)
    assert {old: (new, version) for old, new, version in told} == goalkeeper._DEPRECATED


def test_numbers_of_formats_are_those_of_the_code() -> None:
    from goalkeeper.core.assessment import SCHEMA_VERSION

    page = (DOCS / "explanation" / "versions.md").read_text()
    assert f"the key `schema`, {SCHEMA_VERSION} today" in page


def test_the_citation_is_of_this_version() -> None:
    import tomllib

    import yaml

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(cited), "what the format requires"
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert [author["name"] for author in cited["authors"]] == [
        author["name"] for author in project["authors"]
    ]


@pytest.mark.parametrize("path", ["SECURITY.md", "CITATION.cff", "LICENSE", "CHANGELOG.md"])
def test_what_a_stranger_looks_for_is_there(path: str) -> None:
    assert Path(ROOT / path).read_text().strip()
