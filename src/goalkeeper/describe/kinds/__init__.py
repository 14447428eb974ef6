"""The kinds of models that an application file may name: one file each, found by discovery.

A kind is a class derived from `FileKind`, `BuiltKind` or `KeyKind`. Other packages add theirs by
an entry point of the group `goalkeeper.targets`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Mapping
from functools import cache

from goalkeeper.core.plugins import load_plugins
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
    "GROUP",
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

GROUP = "goalkeeper.targets"


@cache
def target_kinds() -> Mapping[str, TargetKind]:
    """Map the name of each kind (its file name) to the kind: ours, then those of plug-ins."""
    found: dict[str, TargetKind] = {}
    for info in pkgutil.iter_modules(__path__, prefix=f"{__name__}."):
        name = info.name.rpartition(".")[2]
        if name != "base" and not name.startswith("_"):
            found[name] = _kind_in(info.name)
    for name, plugin in load_plugins(GROUP, TargetKind).items():
        fault = _fault_of(plugin)
        if fault:
            warnings.warn(f"the kind of model {name} was left out: {fault}", stacklevel=2)
        else:
            found.setdefault(name, plugin())
    return dict(sorted(found.items()))


def file_kinds() -> dict[str, FileKind]:
    """Map names to the kinds of models that come as a file or folder."""
    return {n: kind for n, kind in target_kinds().items() if isinstance(kind, FileKind)}


def built_kinds() -> dict[str, BuiltKind]:
    """Map names to the kinds of models that a function of the user builds."""
    return {n: kind for n, kind in target_kinds().items() if isinstance(kind, BuiltKind)}


def _fault_of(kind: type[TargetKind]) -> str:
    """Say what a class lacks to be a kind of model; empty where nothing is missing."""
    if not issubclass(kind, FileKind | BuiltKind | KeyKind):
        return "it is derived from none of FileKind, BuiltKind and KeyKind"
    wanted = ("about", "key") if issubclass(kind, KeyKind) else ("about",)
    absent = [name for name in wanted if not isinstance(getattr(kind, name, None), str)]
    return f"it does not say {any_of(absent, 'and')}" if absent else ""


def _kind_in(module: str) -> TargetKind:
    defined = [
        value
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, type)
        and issubclass(value, TargetKind)
        and value.__module__ == module
        and not inspect.isabstract(value)
    ]
    if len(defined) != 1:
        raise TypeError(f"{module} must define exactly one kind of model, found {defined}")
    kind: TargetKind = defined[0]()
    return kind
