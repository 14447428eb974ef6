"""Every attack, one file each in the folder of its game; found by discovery."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from goalkeeper.attacks.base import Attack
from goalkeeper.core.plugins import ATTACKS, load_plugins

DECLARED = ("game", "variant", "reference")  # class attributes that have no default


@cache
def catalogue() -> Mapping[str, type[Attack[Any, Any]]]:
    """Map the name of each attack (its file name) to its class: ours, then those of plug-ins."""
    found: dict[str, type[Attack[Any, Any]]] = {}
    for info in pkgutil.walk_packages(__path__, prefix=f"{__name__}."):
        name = info.name.rpartition(".")[2]
        if info.ispkg or name.startswith("_") or name == "base":
            continue
        if name in found:
            raise TypeError(f"two attacks are called {name}; rename one of the files")
        found[name] = _the_attack(importlib.import_module(info.name))
    return dict(sorted((found | load_plugins(ATTACKS, found, _problem)).items()))


def name_of(attack: type[Attack[Any, Any]]) -> str:
    """Return the name under which an attack class is listed."""
    for name, listed in catalogue().items():
        if listed is attack:
            return name
    return attack.__module__.rpartition(".")[2]


def _the_attack(module: Any) -> type[Attack[Any, Any]]:
    attacks = [
        c
        for c in vars(module).values()
        if isinstance(c, type)
        and issubclass(c, Attack)
        and c.__module__ == module.__name__
        and not inspect.isabstract(c)
    ]
    if len(attacks) != 1:
        raise TypeError(f"{module.__name__} must define exactly one attack, found {attacks}")
    return attacks[0]


def _problem(loaded: object) -> str:
    """Say why something that a plug-in offers is not an attack; empty if it is."""
    if not (isinstance(loaded, type) and issubclass(loaded, Attack)):
        return "it is not a subclass of goalkeeper.attacks.base.Attack"
    if inspect.isabstract(loaded):
        return "it does not define run()"
    missing = [name for name in DECLARED if not hasattr(loaded, name)]
    return f"it does not declare {', '.join(missing)}" if missing else ""
