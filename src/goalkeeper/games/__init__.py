"""Security games: the framework asks, the attack answers, the framework marks.

A game is a package of its own, found by its folder; what several games use is in `shared`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from goalkeeper.core.plugins import class_in
from goalkeeper.games.base import Game

SHARED = "shared"  # the package that is no game


@cache
def catalogue() -> Mapping[str, type[Game[Any, Any, Any]]]:
    """Map the name of each game (its folder) to its class."""
    found = {
        info.name: class_in(importlib.import_module(f"{__name__}.{info.name}"), Game)
        for info in pkgutil.iter_modules(__path__)
        if info.ispkg and info.name != SHARED
    }
    return dict(sorted(found.items()))
