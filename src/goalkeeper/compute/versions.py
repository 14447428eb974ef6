"""What an attack run depends on beside its unit: goalkeeper's source, and the libraries."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path

from goalkeeper.core.plugins import ATTACKS, TARGETS

PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pandas", "torch", "xgboost", "xgboost-cpu", "lightgbm",
)  # fmt: skip


@cache
def digest() -> str:
    """Return the SHA-256 of source and versions; a result counts only where it is the same."""
    found = hashlib.sha256()
    for name in sorted({"goalkeeper", *_plugins()}):
        for path in _files(name):
            found.update(f"{name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    versions = [platform.python_implementation(), platform.python_version(), platform.machine()]
    versions += [f"{package} {_version(package)}" for package in PACKAGES]
    found.update("\0".join(versions).encode())
    return found.hexdigest()


@cache
def source() -> str:
    """Return what stands for goalkeeper's own source: the beginning of its SHA-256."""
    found = hashlib.sha256()
    for path in _files("goalkeeper"):
        found.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _plugins() -> Iterator[str]:
    """Name the packages in which what others offer lives, as far as it decides results."""
    for group in (ATTACKS, TARGETS):
        for point in entry_points(group=group):
            yield point.module.partition(".")[0]


def _files(package: str) -> list[Path]:
    """List the files of a package without importing it."""
    spec = find_spec(package)
    if spec is None:
        return []
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        return [Path(spec.origin)] if spec.origin else []
    every = (path for folder in folders for path in folder.rglob("*"))
    return sorted(p for p in every if p.is_file() and "__pycache__" not in p.parts)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
