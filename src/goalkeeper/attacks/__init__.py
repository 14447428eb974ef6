"""Every attack, one file each in the folder of its game; found by discovery."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from goalkeeper.attacks.base import Attack

GROUP = "goalkeeper.attacks"


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
    for point in entry_points(group=GROUP):
        plugin = _plugin(point)
        if plugin is not None:
            found.setdefault(point.name, plugin)
    return dict(sorted(found.items()))


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


def _plugin(point: EntryPoint) -> type[Attack[Any, Any]] | None:
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001 - a broken plug-in must never break goalkeeper
        warnings.warn(f"plug-in {point.name} ({point.value}) left out: {error}", stacklevel=3)
        return None
    if isinstance(loaded, type) and issubclass(loaded, Attack):
        return loaded
    warnings.warn(f"plug-in {point.name} ({point.value}) is not an Attack class", stacklevel=3)
    return None
