"""No module keeps anything between two runs: what changes belongs to an object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "goalkeeper"
FILES = sorted(SRC.rglob("*.py"))

MUTABLE = {"bytearray", "dict", "list", "set", "Dict", "List", "Set", "DefaultDict", "Deque"}
MUTABLE |= {"defaultdict", "deque", "ChainMap", "Counter", "OrderedDict"}
MUTABLE |= {"WeakKeyDictionary", "WeakSet", "WeakValueDictionary"}
MUTABLE |= {"MutableMapping", "MutableSequence", "MutableSet"}
CHANGES = {"add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert"}
CHANGES |= {"move_to_end", "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort"}
CHANGES |= {"difference_update", "intersection_update", "subtract", "update"}
CACHES = frozenset({"cache", "lru_cache"})
SMALL = {"str", "int", "float", "bool", "bytes", "tuple", "Path"}
SMALL |= {"Name", "Person", "Tally"}  # a few words or counts each

# Known, and to be mended: the list must become empty.


def module_level(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    """Yield name, value and annotation of what is assigned at the level of a module or class."""
    bodies = [tree.body, *(n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef))]
    for statement in (s for body in bodies for s in body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value, statement.annotation
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value, None


def last_name(node: ast.expr | None) -> str:
    """Name what is called, subscripted or named, without its module: `x.Counter[str]()`."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Subscript):
        if last_name(node.value) in {"ClassVar", "Final"}:
            return last_name(node.slice)
        return last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def holds_changes(value: ast.expr | None) -> bool:
    """Tell whether a value is a container that can be changed."""
    displays = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    if isinstance(value, displays):
        return True
    return isinstance(value, ast.Call) and last_name(value) in MUTABLE


def changed(tree: ast.Module) -> set[str]:
    """Name what a module's functions change: items, methods that change, `global`, `+=`."""
    found: set[str] = set()
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    for node in (node for function in functions for node in ast.walk(function)):
        if isinstance(node, ast.Global):
            found |= set(node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in CHANGES:
                found.add(root(node.func.value))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            found.add(root(node.value))
        elif isinstance(node, ast.AugAssign):
            found.add(root(node.target))
    return found


def root(node: ast.expr) -> str:
    """Name what `a[0].b` or `self.a` belongs to: `a`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr if isinstance(node.value, ast.Name) else root(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def state_in(source: str) -> list[str]:
    """Name the module's and classes' own variables that are changed or may be."""
    tree = ast.parse(source)
    dataclasses = {
        name
        for n in ast.walk(tree)
        if isinstance(n, ast.ClassDef)
        for s in n.body
        if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
        for name in [s.target.id]
        if last_name_of_outer(s.annotation) != "ClassVar"
    }
    globals_ = {name for n in ast.walk(tree) if isinstance(n, ast.Global) for name in n.names}
    touched, found = changed(tree), []
    for name, value, annotation in module_level(tree):
        if name in dataclasses or name.startswith("__"):
            continue
        loose = last_name(annotation) in MUTABLE
        if loose or name in globals_ or (holds_changes(value) and name in touched):
            found.append(name)
    return found


def last_name_of_outer(annotation: ast.expr) -> str:
    return last_name(annotation.value if isinstance(annotation, ast.Subscript) else annotation)


def caches_in(source: str) -> list[str]:
    """Name the cached functions that keep alive what they were given: anything not small."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef):
            continue
        if not any(last_name(d) in CACHES for d in node.decorator_list):
            continue
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        names = {last_name(a.annotation) if a.annotation else "?" for a in given}
        if not names <= SMALL:
            found.append(node.name)
    return found


def test_no_module_keeps_state() -> None:
    found = {
        f"{path.relative_to(SRC).as_posix()}: {name}"
        for path in FILES
        for name in state_in(path.read_text())
    }
    assert found == set()


def test_no_cache_keeps_applications_alive() -> None:
    found = {
        f"{path.relative_to(SRC).as_posix()}: {name}"
        for path in FILES
        for name in caches_in(path.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("A = {}\ndef f():\n    A['x'] = 1", ["A"]),
        ("A = []\ndef f():\n    A.append(1)", ["A"]),
        ("A = collections.defaultdict(list)\ndef f():\n    A['x'].append(1)", ["A"]),
        ("A = {1: []}\ndef f():\n    del A[1]", ["A"]),
        ("A: dict[str, int] = {}", ["A"]),
        ("A: Final[set[int]] = set()", ["A"]),
        ("A = 0\ndef f():\n    global A\n    A += 1", ["A"]),
        ("class C:\n    known = {}\n    def f(self):\n        self.known['x'] = 1", ["known"]),
        ("class C:\n    known: ClassVar[dict[str, int]] = {}", ["known"]),
        ("A = {'x': 1}\ndef f():\n    return A['x']", []),
        ("A: Mapping[str, int] = {'x': 1}", []),
        ("A = frozenset({1})", []),
        ("class C:\n    known: list[int]\n    def f(self):\n        self.known.append(1)", []),
        ("def f():\n    a = []\n    a.append(1)", []),
    ],
)
def test_state_is_seen(source: str, found: list[str]) -> None:
    assert state_in(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("@cache\ndef f(app: Application): ...", ["f"]),
        ("@functools.lru_cache(maxsize=8)\ndef f(name: str, data: Data): ...", ["f"]),
        ("@cache\ndef f(anything): ...", ["f"]),
        ("@cache\ndef f(name: str, n: int = 1): ...", []),
        ("@cache\ndef f(): ...", []),
        ("def f(app: Application): ...", []),
    ],
)
def test_caches_are_seen(source: str, found: list[str]) -> None:
    assert caches_in(source) == found
