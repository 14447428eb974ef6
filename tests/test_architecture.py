"""Dependencies point one way only, files stay readable, and attacks know nothing of one another.

Each test lists every offender at once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "goalkeeper"
BASE = {"core", "stats"}
ENGINE = BASE | {"policy", "opening", "targets", "compute", "training"}
PLAY = ENGINE | {"games", "attacks", "attack_run"}
WHOLE = PLAY | {
    "fit",
    "planning",
    "rate",
    "advise",
    "timing",
    "estimate",
    "scheduling",
    "environment",
    "assessing",
    "running",
    "comparing",
    "describe",
    "examples",
}
MAY_IMPORT = {
    "core": {"core"},
    "stats": {"stats"},
    "report": {"core", "report"},
    "policy": {"core", "policy"},
    "opening": {"opening"},
    "targets": {"core", "targets"},
    "compute": {"core", "compute"},
    "training": {"core", "opening", "targets", "compute", "training"},
    "defences": {"core", "compute", "targets", "training", "defences"},
    "fit": BASE | {"fit"},
    "games": ENGINE | {"games"},
    "attacks": BASE | {"games", "training", "attacks"},
    "attack_run": PLAY,
    "untested": PLAY,
    "planning": PLAY | {"untested", "planning"},
    "rate": BASE | {"policy", "games", "rate"},
    "advise": {"core", "advise"},
    "environment": {"compute", "environment"},
    "timing": {"core", "compute"},
    "estimate": {"core", "compute", "planning", "timing"},
    "scheduling": {"core", "policy", "planning", "estimate", "rate", "scheduling", "timing"},
    "assessing": WHOLE,
    "running": {
        "core",
        "compute",
        "policy",
        "planning",
        "estimate",
        "scheduling",
        "assessing",
        "report",
        "running",
        "environment",
    },
    "in_python": {"core", "describe", "planning", "running", "in_python"},
    "comparing": BASE | {"compute", "games", "rate", "comparing"},
    "verification": {
        "core",
        "stats",
        "policy",
        "compute",
        "games",
        "attacks",
        "planning",
        "rate",
        "running",
        "report",
        "advise",
        "assessing",
        "environment",
        "verification",
    },
    "describe": {"core", "policy", "opening", "targets", "training", "defences", "describe"},
    "hardening": BASE
    | {
        "comparing",
        "compute",
        "defences",
        "describe",
        "planning",
        "policy",
        "report",
        "running",
        "targets",
        "timing",
        "hardening",
    },
    "examples": {"core", "targets", "training", "describe", "examples"},
    "testing": PLAY | {"planning", "policy", "testing"},
    "cli": WHOLE | {"defences", "hardening", "report", "verification", "cli"},
    "pytest_plugin": {"core", "compute", "running", "cli"},
    "__main__": {"cli"},
}
READS_TIME = {"attack_run", "assessing", "running", "timing", "compute", "cli"}
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 6


# ---- what imports what -----------------------------------------------------------------------


@cache
def modules() -> Mapping[str, Path]:
    """Map the dotted name of every module of ours to its file."""
    return {name_of(path, SRC): path for path in sorted(SRC.rglob("*.py"))}


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST, files: Mapping[str, Path]) -> Iterator[str]:
    """Yield those of `files` that a file imports, wherever in it the import stands.

    Imports inside functions and under TYPE_CHECKING count: the first only hide a cycle, and the
    second still mean that neither file can be understood without the other.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module in files:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                hidden = alias.name in exported(node.module, files)
                yield inner if inner in files and not hidden else node.module


def exported(package: str, files: Mapping[str, Path]) -> set[str]:
    """List the names that a package takes from modules: they hide modules of the same name."""
    return {
        alias.asname or alias.name
        for node in tree_of(files[package]).body
        if isinstance(node, ast.ImportFrom) and node.module != package
        for alias in node.names
    }


def graph_of(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Map each module to those it imports, its own parent packages aside."""
    return {
        name: {m for m in imported(tree_of(path), files) if not f"{name}.".startswith(f"{m}.")}
        for name, path in files.items()
    }


def cycle_in(graph: Mapping[str, set[str]]) -> str:
    """Show one import cycle as a path; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib lists a path in which each entry is imported by the next one.
        return " imports ".join(reversed(error.args[1]))
    return ""


@cache
def imports() -> Mapping[str, set[str]]:
    return graph_of(modules())


def layer(module: str) -> str:
    return (*module.split("."), "")[1]


def fail_with(offenders: Iterable[str], advice: str) -> None:
    listed = sorted(offenders)
    assert not listed, f"{advice}:\n  " + "\n  ".join(listed)


# ---- which imports are allowed ---------------------------------------------------------------


def test_no_import_cycles() -> None:
    assert cycle_in(imports()) == ""


@pytest.mark.parametrize(
    ("b", "found"),
    [
        ("from package import a", True),
        ("import package.a", True),
        ("from package.a import x", True),
        ("def f():\n    from package.a import x", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package import a", True),
        ("from package import VERSION", False),
        ("import package", False),
        ("from package.c import a", False),
        ("from package import d", False),
    ],
)
def test_cycles_are_found_wherever_the_import_stands(
    b: str, *, found: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    texts = {
        "__init__": "from package.c import d\nVERSION = 1",
        "a": "from package.b import f\nx = 1",
    }
    for name, text in {**texts, "b": b, "c": "a = d = 1", "d": "import package.a"}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    files = {name_of(path, folder): path for path in folder.rglob("*.py")}
    path = "package.a imports package.b imports package.a"
    other = "package.b imports package.a imports package.b"
    assert cycle_in(graph_of(files)) in ((path, other) if found else ("",))


def test_imports_point_one_way() -> None:
    fail_with(
        (
            f"{module} imports {other}"
            for module, others in imports().items()
            for other in others
            if layer(module) and layer(other) not in MAY_IMPORT[layer(module)]
        ),
        "these imports point against the layers",
    )


def test_nothing_but_the_tests_imports_the_testing_tools() -> None:
    fail_with(
        (
            f"{module} imports {other}"
            for module, others in imports().items()
            for other in others
            if layer(other) == "testing" and layer(module) != "testing"
        ),
        "goalkeeper.testing is for tests, of ours and of plug-ins",
    )


def test_the_testing_tools_need_no_test_framework() -> None:
    """Only the plug-in of pytest imports it, and pytest alone imports the plug-in."""
    plugin = "goalkeeper.pytest_plugin"
    assert not any(plugin in others for others in imports().values())
    fail_with(
        (
            m
            for m, path in modules().items()
            if m != plugin and "pytest" in imported_anywhere(tree_of(path))
        ),
        "plug-ins test themselves with any test runner",
    )


def test_attacks_never_import_one_another() -> None:
    fail_with(
        (
            f"{module} imports {other}"
            for module, others in imports().items()
            for other in others
            if layer(module) == layer(other) == "attacks"
            # A package may show what its files have for other users; it attacks nothing itself.
            and modules()[module].name != "__init__.py"
            and modules()[other].name not in ("__init__.py", "base.py")
            and not other.rpartition(".")[2].startswith("_")
        ),
        "an attack stands alone; what several share belongs into a module with an underscore",
    )


def test_attacks_see_nothing_of_a_game_but_its_package() -> None:
    """How a game marks is none of an attack's business; `base.py` knows all games by protocol."""
    fail_with(
        (
            f"{module} imports {other}"
            for module, others in imports().items()
            for other in others
            if layer(module) == "attacks"
            and layer(other) == "games"
            and other not in visible_games(module)
        ),
        "an attack imports the package of its own game, and no module inside it",
    )


def visible_games(module: str) -> set[str]:
    """Name what an attack, or a module that attacks share, may import of the games."""
    if module == "goalkeeper.attacks.base":
        return {"goalkeeper.games.base"}
    inside = module.split(".")[2:]
    if len(inside) < 2:
        return {"goalkeeper.games.shared"}
    return {f"goalkeeper.games.{inside[0]}"}


# ---- what a reader can hold in mind ----------------------------------------------------------


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, path in modules().items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count what a caller has to give, self and cls aside."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_files_stay_readable() -> None:
    lengths = {
        module: path.read_text(encoding="utf-8").count("\n") for module, path in modules().items()
    }
    fail_with(
        (f"{module} has {n} lines" for module, n in lengths.items() if n > FILE_LINES),
        f"a file has at most {FILE_LINES} lines; split it by concept",
    )


def test_functions_fit_in_the_head() -> None:
    lengths = [(name, (f.end_lineno or f.lineno) - f.lineno + 1) for name, f in functions()]
    long = {f"{name} has {n} lines" for name, n in lengths if n > FUNCTION_LINES}
    wide = {
        f"{name} takes {n} parameters"
        for name, f in functions()
        # The options of a verb are the parameters of its function.
        if (n := parameters(f)) > PARAMETERS and not name.startswith("goalkeeper.cli.")
    }
    fail_with(
        long | wide,
        f"a function has at most {FUNCTION_LINES} lines and {PARAMETERS} parameters",
    )


def test_only_the_runner_reads_time() -> None:
    fail_with(
        (
            module
            for module, path in modules().items()
            if layer(module) not in READS_TIME and "time" in imported_anywhere(tree_of(path))
        ),
        "only the runner reads the time",
    )


def imported_anywhere(tree: ast.Module) -> set[str]:
    plain = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return plain | {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}


# ---- games -----------------------------------------------------------------------------------

# One game builds on another: teaching retrains as poisoning does, and what an attacker without
# queries would name is what a substitute of extraction knows.
BUILDS_ON = {
    ("teaching", "poisoning"),
    ("indicator_words", "extraction"),
    ("indicator_columns", "extraction"),
}


def game_of(module: str) -> str:
    """Name the game (or `shared`) a module belongs to; empty for every other module."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["games"] and len(parts) > 2 else ""


def test_games_stand_on_their_own() -> None:
    found = {
        (game_of(module), game_of(other))
        for module, others in imports().items()
        for other in others
        if game_of(module) not in ("", "base", "tallies", "shared")
        and game_of(other) not in ("", "base", "tallies", "shared", game_of(module))
    }
    assert found == BUILDS_ON


def test_shared_modules_serve_several_games() -> None:
    """What one game uses belongs into its own package; a module may serve through another one."""
    users: dict[str, set[str]] = {
        m: set() for m in modules() if m.startswith("goalkeeper.games.shared.")
    }
    for _ in users:  # long enough for the longest chain of shared modules
        for module, others in imports().items():
            for other in others & users.keys():
                game = game_of(module)
                users[other] |= users[module] if game == "shared" else {game} - {""}
    fail_with(
        (f"{module} serves {', '.join(sorted(games))}" for module, games in users.items()
         if len(games) < 2),
        "a module of games/shared serves one game only; move it into that game",
    )  # fmt: skip
