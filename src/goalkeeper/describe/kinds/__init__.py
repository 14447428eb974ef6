"""The kinds of models that an application file may name: one file each, found by discovery.

A kind is a class derived from `FileKind`, `BuiltKind` or `KeyKind`. Other packages add theirs by
an entry point of the group `goalkeeper.targets`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from goalkeeper.core.plugins import TARGETS, class_in, load_plugins, problem_of_class
from goalkeeper.describe.kinds.base import (
    BuiltKind,
    FileKind,
    KeyKind,
    Model,
    ModelContext,
    ModelFile,
    TargetKind,
    any_of,
)

__all__ = [
    "BuiltKind",
    "FileKind",
    "KeyKind",
    "Model",
    "ModelContext",
    "ModelFile",
    "TargetKind",
    "any_of",
    "built_kinds",
    "file_kinds",
    "target_kinds",
]


@cache
def target_kinds() -> Mapping[str, TargetKind]:
    """Map the name of each kind (its file name) to the kind: ours, then those of plug-ins."""
    found: dict[str, TargetKind] = {}
    for info in pkgutil.iter_modules(__path__, prefix=f"{__name__}."):
        name = info.name.rpartition(".")[2]
        if name != "base" and not name.startswith("_"):
            found[name] = class_in(importlib.import_module(info.name), TargetKind)()
    plugins = load_plugins(TARGETS, found, _problem)
    found |= {name: plugin() for name, plugin in plugins.items()}
    return dict(sorted(found.items()))


def file_kinds() -> dict[str, FileKind]:
    """Map names to the kinds of models that come as a file or folder."""
    return {n: kind for n, kind in target_kinds().items() if isinstance(kind, FileKind)}


def built_kinds() -> dict[str, BuiltKind]:
    """Map names to the kinds of models that a function of the user builds."""
    return {n: kind for n, kind in target_kinds().items() if isinstance(kind, BuiltKind)}


def _problem(loaded: object) -> str:
    """Say why something that a plug-in offers is not a kind of model; empty if it is."""
    wrong = problem_of_class(loaded, TargetKind, ("about",))
    if wrong or not isinstance(loaded, type):
        return wrong
    if not issubclass(loaded, FileKind | BuiltKind | KeyKind):
        return "it is derived from none of FileKind, BuiltKind and KeyKind"
    return problem_of_class(loaded, KeyKind, ("key",)) if issubclass(loaded, KeyKind) else ""
