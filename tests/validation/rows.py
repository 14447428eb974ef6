"""A row of the table of validation, and the modules that hold rows."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests.public_data import FOLDER

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "validation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was measured: in words, of how many cases, and whether the claim stands."""

    measured: str
    cases: int
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A claim that is measured.

    Parameters
    ----------
    section, name
        Where it stands in the table; the two together are unique.
    claim
        What must hold, in words.
    measure
        Takes a number of cases (simulations, runs, applications) and a random stream of the row.
    full, short
        Cases of `make validate`, and of `make test`; 0 leaves the row out of `make test`.
    about
        Files and folders below the checkout: when they change, the row is measured again.
    needs, packages
        Files of public data, and packages to import; where one is not at hand the row is not
        measured, and what the page says of it stays.
    """

    section: str
    name: str
    claim: str
    measure: Callable[[int, np.random.Generator], Finding]
    full: int
    short: int = 0
    about: tuple[str, ...] = ("src/goalkeeper",)
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name of the file in which its finding is kept."""
        words = f"{self.section} {self.name}".lower()
        return "".join(c if c.isalnum() else "-" for c in words)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The files of public data and the packages that it needs and that are not at hand."""
        files = [name for name in self.needs if not (FOLDER / name).is_file()]
        return (*files, *(name for name in self.packages if find_spec(name) is None))

    def run(self, cases: int) -> Finding:
        """Measure it; the same cases give the same finding."""
        return self.measure(cases, np.random.default_rng(zlib.crc32(self.key.encode())))


def digest_of(modules: Sequence[str], about: Sequence[str]) -> str:
    """Return a hash of modules by name, and of files and folders below the checkout."""
    files = [Path(str(sys.modules[name].__file__)) for name in modules]
    files += [file for name in about for file in _list_files(ROOT / name)]
    parts = hashlib.sha256()
    for path in files:
        parts.update(path.read_bytes())
    return parts.hexdigest()[:16]


def _list_files(path: Path) -> list[Path]:
    """List the Python files and tables of a file or folder, in order."""
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.suffix in {".py", ".yaml", ".csv"})


def list_rows() -> tuple[Row, ...]:
    """List the rows of all modules of this package, in the order of their names."""
    package = importlib.import_module(__package__ or "tests.validation")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    found: list[Row] = []
    for name in names:
        if not name.startswith(("_", "test_")):
            found += getattr(importlib.import_module(f"{package.__name__}.{name}"), "ROWS", ())
    return tuple(found)
