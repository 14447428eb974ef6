"""Dependencies point one way only, files stay readable, and attacks know nothing of one another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "goalkeeper"
BASE = {"core", "stats"}
ENGINE = BASE | {"policy", "targets", "compute", "training"}
PLAY = ENGINE | {"games", "attacks", "attack_run"}
WHOLE = PLAY | {
    "planning",
    "rate",
    "advise",
    "estimate",
    "assessing",
    "running",
    "verify",
    "describe",
    "examples",
}
MAY_IMPORT = {
    "core": {"core"},
    "stats": {"stats"},
    "report": {"core", "report"},
    "policy": {"core", "policy"},
    "targets": {"core", "targets"},
    "compute": {"core", "compute"},
    "training": {"core", "targets", "compute", "training"},
    "games": ENGINE | {"games"},
    "attacks": BASE | {"games", "training", "attacks"},
    "attack_run": PLAY,
    "planning": PLAY,
    "rate": BASE | {"policy", "games", "rate"},
    "advise": {"core", "advise"},
    "estimate": {"core", "compute", "planning"},
    "assessing": WHOLE,
    "running": WHOLE,
    "verify": WHOLE,
    "describe": {"core", "policy", "targets", "training", "describe"},
    "examples": {"core", "targets", "training", "examples"},
    "testing": PLAY | {"planning", "policy", "testing"},
    "cli": WHOLE | {"report", "cli"},
}
FILES = sorted(SRC.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return found | {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}


def ours(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = imported(path) | {
        f"{n.module}.{a.name}"
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom) and n.module == "goalkeeper"
        for a in n.names
    }
    return {m for m in found if m.startswith("goalkeeper.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_one_way(path: Path) -> None:
    if layer(path) == "__init__":
        return
    layers = {m.split(".")[1] for m in ours(path)}
    assert layers <= MAY_IMPORT[layer(path)] | {layer(path)}


def test_nothing_that_runs_stands_on_what_tests_it() -> None:
    outside = [path for path in FILES if layer(path) != "testing"]
    users = [
        path for path in outside if any(m.startswith("goalkeeper.testing") for m in ours(path))
    ]
    assert not users, "goalkeeper.testing is for tests; only tests and plug-ins import it"


def test_the_contract_needs_no_test_framework() -> None:
    for path in FILES:
        assert "pytest" not in imported(path), f"{path} imports pytest"


@pytest.mark.parametrize("path", sorted((SRC / "attacks").rglob("*.py")), ids=lambda p: p.stem)
def test_attacks_never_import_one_another(path: Path) -> None:
    for module in ours(path):
        if module.startswith("goalkeeper.attacks."):
            last = module.rpartition(".")[2]
            assert last == "base" or last.startswith("_"), f"{path.name} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_files_stay_readable(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= 400, f"{path.name} has {lines} lines; split it by concept"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_functions_fit_in_the_head(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{path.name}: {node.name} has {length} lines"


def test_only_the_runner_reads_time() -> None:
    readers = {"attack_run", "assessing", "estimate", "compute", "cli"}
    for path in FILES:
        tree = ast.parse(path.read_text())
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        if "time" in names:
            assert layer(path) in readers, f"{path} reads the time"
