"""Every attack, one file each in the folder of its game; found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from goalkeeper.attacks.base import Attack, is_game
from goalkeeper.core.plugins import ATTACKS, class_in, load_plugins, problem_of_class

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
        found[name] = class_in(importlib.import_module(info.name), Attack)
    return dict(sorted((found | load_plugins(ATTACKS, found, _problem)).items()))


def name_of(attack: type[Attack[Any, Any]]) -> str:
    """Return the name under which an attack class is listed."""
    for name, listed in catalogue().items():
        if listed is attack:
            return name
    return attack.__module__.rpartition(".")[2]


def _problem(loaded: object) -> str:
    """Say why something that a plug-in offers is not an attack; empty if it is."""
    wrong = problem_of_class(loaded, Attack, DECLARED)
    if not wrong and not is_game(game := getattr(loaded, "game", None)):
        wrong = f"its game, {game!r}, is not a subclass of goalkeeper.games.base.Game"
    return wrong


def __getattr__(name: str) -> Any:
    """Import the package of algorithms that are also plain functions, on first use."""
    if name == "evasion":
        return importlib.import_module(f"{__name__}.evasion")
    raise AttributeError(f"goalkeeper.attacks has no {name!r}")
