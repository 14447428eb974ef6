"""Files and Python functions that an application file names, relative to it."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from goalkeeper.core.errors import DescriptionError, GoalkeeperError
from goalkeeper.core.noticeboard import Activity
from goalkeeper.core.usercode import name_error, passes, shortened, user_code
from goalkeeper.describe.document import Document, Key, dotted
from goalkeeper.describe.problems import nearest, problem

_PYTHON = frozenset(  # where Python's own modules are
    {*map(sysconfig.get_path, ("stdlib", "platstdlib")), sysconfig.get_config_var("DESTSHARED")}
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, eq=False)
class References:
    """Finds what a document names, and notes the hash of every file that was read.

    `named` has the name of each file that was looked for, by the key that names it.
    """

    document: Document
    hashes: dict[str, str] = field(default_factory=dict)
    named: dict[Key, str] = field(default_factory=dict)

    def file(self, key: Key, name: str, what: str, *, folders: bool = False) -> Path:
        """Find a file, or also a folder of files; `what` says what it is for.

        Raises
        ------
        DescriptionError
            A variable in the name is not set, there is no such file, or it is empty.
        """
        self.named[key] = name
        path = self.document.path.parent / self._filled(key, name)
        folder = _is(Path.is_dir, path)
        if folders and folder:
            return path
        if not _is(Path.is_file, path):
            raise problem(
                self.document,
                key,
                f"the {what} is a folder" if folder else f"the {what} does not exist",
                expected=f"a file at {shortened(str(path))}",
                given=shortened(name),
                advice=_other(path, name)
                or "correct the name; it is relative to the application file",
            )
        if path.stat().st_size == 0:
            advice = "add content, or name another file"
            raise problem(self.document, key, f"the {what} is empty", given=name, advice=advice)
        return path

    def note_hash(self, path: Path, name: str) -> str:
        """Hash a file (SHA-256) and keep the hash under the name that stands in the document.

        The hash of a folder is that of the names and hashes of the files in it, in their order.
        """
        if name not in self.hashes:
            self.hashes[name] = _hash_folder(path) if path.is_dir() else _hash(path)
        return self.hashes[name]

    def locate(self, key: Key, reference: str) -> tuple[Path, str]:
        """Split `file.py:name` and check, without running it, that the file has the name."""
        file, colon, name = reference.rpartition(":")
        if not colon or not file.endswith(".py") or not name.isidentifier():
            raise problem(
                self.document,
                key,
                "this is not a reference to a Python function",
                expected="file.py:name",
                advice="name the file, a colon and the function, e.g. filter.py:build",
            )
        path = self.file(key, file, "Python file")
        self.note_hash(path, file)
        names = _names(self.document, key, path)
        if name not in names and "*" not in names and "__getattr__" not in names:
            raise _absent(self.document, key, path, name, sorted(names))
        return path, name

    def function(self, key: Key, reference: str) -> Callable[..., Any]:
        """Load a Python function from its file.

        Raises
        ------
        DescriptionError
            The file is missing or raises, or has no such function.
        """
        if key in self.document.given:
            return self.document.given[key]  # type: ignore[no-any-return]
        path, name = self.locate(key, reference)
        with self.running(key, path.name, Activity.IMPORT):
            module = _module(path.resolve())  # the user's code may have left the folder
        found = getattr(module, name, None)
        if found is None:
            names = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            raise _absent(self.document, key, path, name, names)
        if not callable(found):
            raise problem(
                self.document,
                key,
                f"{name} in {path.name} is not a function",
                expected="a function or class",
                given=f"a {type(found).__name__}",
                advice=f"write a function in {path.name} that returns it, or calls its method, "
                f"e.g. `def build(): return {name}` or `def predict(x): return {name}.predict(x)`",
            )
        return found  # type: ignore[no-any-return]

    @contextmanager
    def running(self, key: Key, what: str, work: Activity) -> Iterator[None]:
        """Run the user's own code; report its exceptions with the key that names it."""
        with self.explained(key, what), user_code(work, f"{dotted(key)} {what}"):
            try:
                yield
            except GoalkeeperError as error:  # raised by the user's code, it does not name the key
                raise problem(
                    self.document, key, f"{what} raised {name_error(error)}", advice=f"fix {what}"
                ) from error

    @contextmanager
    def explained(self, key: Key, what: str) -> Iterator[None]:
        """Report whatever the user's own code raises with the key that names it."""
        folder = self.document.path.parent
        try:
            with _importable(folder):
                yield
        except BaseException as error:
            if passes(error):
                raise
            known = _shadowed(error, folder) or _remedy(error)
            advice = "; ".join(part for part in (known, _place(error, folder)) if part)
            raise problem(
                self.document,
                key,
                f"{what} raised {name_error(error)}",
                advice=advice or f"fix {what}",
            ) from error

    def _filled(self, key: Key, name: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = os.environ.get(match[1])
            if not found:
                raise problem(
                    self.document,
                    key,
                    f"the environment variable {match[1]} is not set",
                    expected="a folder or file name in this variable",
                    advice=f"set it before you run goalkeeper: export {match[1]}=FOLDER",
                )
            return found

        return _VARIABLE.sub(value, name)


def load_function(path: Path, name: str) -> Callable[..., Any]:
    """Load a function from one of our own files; raises what loading raises."""
    found: Callable[..., Any] = getattr(_module(path), name)
    return found


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    """Ask whether there is a file or folder; there is none of a name that no system allows."""
    try:
        return kind(path)
    except OSError:
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_folder(folder: Path) -> str:
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    lines = (f"{_hash(path)}  {name}\n" for name, path in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _other(path: Path, name: str) -> str:
    if "://" in name:
        return "nothing is fetched from the network: download it, and name the file"
    if name.startswith("~"):
        return f"write the whole path: {Path(name).expanduser()}"
    if not _is(Path.is_dir, path.parent):
        return f"there is no folder {shortened(str(path.parent))} either"
    return nearest(path.name, (p.name for p in path.parent.iterdir() if p.is_file()))


def _absent(
    document: Document, key: Key, path: Path, name: str, names: list[str]
) -> DescriptionError:
    functions = [n for n in names if not n.startswith("_")]
    return problem(
        document,
        key,
        f"{path.name} has no function {name}",
        expected="one of " + ", ".join(functions) if functions else f"def {name}(...)",
        advice=nearest(name, functions) or f"write `def {name}(...):` in {path.name}",
    )


def _names(document: Document, key: Key, path: Path) -> set[str]:
    """List the names that a Python file defines, from its text."""
    try:
        tree = ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise problem(
            document,
            key,
            f"{path.name} is not valid Python: {error}",
            advice=f"fix {path.name}" + (f" line {line}" if line else ""),
        ) from error
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _module(path: Path) -> ModuleType:
    """Import a file under a name of its own; the same content is imported once."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"goalkeeper_user_{path.stem}_{digest[:12]}"  # of no folder: it enters fingerprints
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(path):
        return loaded
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _importable(path.parent):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the user's own files import one another meanwhile.

    They come after Python's own modules: a `random.py` of the user would otherwise take the place
    of Python's in every library. What the user's code removed from the path is put back.
    """
    entry, before = str(folder.resolve()), list(sys.path)
    own = [i for i, place in enumerate(before) if place in _PYTHON]
    sys.path.insert(own[-1] + 1 if own else 0, entry)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(entry)
        sys.path += [place for place in before if place not in sys.path]


def _shadowed(error: BaseException, folder: Path) -> str:
    """Give advice where a file of the user has the name of a module of Python."""
    name = (getattr(error, "name", None) or "").partition(".")[0]
    standard = isinstance(error, ImportError) and name in sys.stdlib_module_names
    if standard and (folder / f"{name}.py").is_file():
        return f"rename {name}.py: Python's own module {name} comes first"
    return ""


def _remedy(error: BaseException) -> str:
    """Give advice for what a file may raise when it is imported, or its function called."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.partition(".")[0]
        return f"install the package that has {name}, or put {name}.py beside the application file"
    if isinstance(error, ImportError) and "relative import" in str(error):
        return "write `from helper import ...` without the point: files beside it are found"
    if isinstance(error, SystemExit):
        return 'put what runs as a program under `if __name__ == "__main__":`'
    return ""


def _place(error: BaseException, folder: Path) -> str:
    """Name the user's own line that raised, if it lies next to the application file."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if folder.resolve() in file.resolve().parents and "site-packages" not in file.parts:
            place = f"look at {file.name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
