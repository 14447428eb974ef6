"""The page on requirements: which tests demonstrate which requirement of the text."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import yaml
from writing import NOTICE, table

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
LEAD = """# Requirements

goalkeeper implements a text on the security goals of AI applications. Each of its sentences is a
requirement, restated here, with the tests that demonstrate it; they are found by the marker
`@pytest.mark.requirement`. `make validate` also runs the slow ones."""


def requirements() -> list[dict[str, str]]:
    """Read the requirements, in order."""
    loaded: list[dict[str, str]] = yaml.safe_load((HERE / "requirements.yaml").read_text("utf-8"))
    return loaded


def shown_by() -> dict[str, list[str]]:
    """Find the tests `file::name` that carry the marker of each requirement."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        whole = [i for node in tree.body if isinstance(node, ast.Assign) for i in _ids(node.value)]
        for test in _tests(tree):
            ids = [i for decorator in test.decorator_list for i in _ids(decorator)]
            for one in dict.fromkeys([*whole, *ids]):
                found[one].append(f"{path.relative_to(TESTS.parent)}::{test.name}")
    return dict(found)


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def _ids(node: ast.expr) -> Iterator[str]:
    """Read the arguments of every `pytest.mark.requirement(...)` inside an expression."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr == "requirement":
            yield from (str(a.value) for a in call.args if isinstance(a, ast.Constant))


def text() -> str:
    """Write the page."""
    shown = shown_by()
    rows = []
    for entry in requirements():
        tests = shown.get(entry["id"], [])
        files = defaultdict(list)
        for test in tests:
            file, _, name = test.partition("::")
            files[file].append(name)
        listed = "; ".join(
            f"`{file}`: {', '.join(f'`{n}`' for n in names)}" for file, names in files.items()
        )
        part = f" **In part**: {entry['part']}." if "part" in entry else ""
        rows.append((entry["id"], entry["asks"] + part, listed or "**none**"))
    return (
        f"{NOTICE}\n\n{LEAD}\n\n{table(('', 'requirement', 'tests that demonstrate it'), rows)}\n"
    )
