"""Security games: the framework asks, the attack answers, the framework marks.

A game is a package of its own, found by its folder; what several games use is in `shared`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from goalkeeper.games.base import Game

SHARED = "shared"  # the package that is no game


@cache
def catalogue() -> Mapping[str, type[Game[Any, Any, Any]]]:
    """Map the name of each game (its folder) to its class."""
    found = {
        info.name: _the_game(importlib.import_module(f"{__name__}.{info.name}"))
        for info in pkgutil.iter_modules(__path__)
        if info.ispkg and info.name != SHARED
    }
    return dict(sorted(found.items()))


def _the_game(package: Any) -> type[Game[Any, Any, Any]]:
    """Return the one game that a package names; raises TypeError for none or several."""
    games = [
        c
        for c in vars(package).values()
        if isinstance(c, type)
        and issubclass(c, Game)
        and c.__module__.startswith(f"{package.__name__}.")
        and not inspect.isabstract(c)
    ]
    if len(games) != 1:
        raise TypeError(f"{package.__name__} must name exactly one game, found {games}")
    return games[0]
