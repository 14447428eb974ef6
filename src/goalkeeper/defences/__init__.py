"""Every defence, one file each; found by discovery, as those of other packages are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from goalkeeper.core.plugins import DEFENCES, class_in, load_plugins, problem_of_class
from goalkeeper.defences.applying import Chosen, apply_chosen
from goalkeeper.defences.base import Defence, Settings

__all__ = ["Chosen", "Defence", "Settings", "apply_chosen", "catalogue"]

DECLARED = (
    "about",
    "works",
    "price",
    "adaptive",
    "goals",
    "families",
    "settings",
)  # attributes without a default
NO_DEFENCES = ("base", "applying")


@cache
def catalogue() -> Mapping[str, type[Defence[Any]]]:
    """Map the name of each defence (its file name) to its class: ours, then those of plug-ins."""
    names = [
        info.name
        for info in pkgutil.iter_modules(__path__)
        if not info.name.startswith("_") and info.name not in NO_DEFENCES
    ]
    found = {
        name: class_in(importlib.import_module(f"{__name__}.{name}"), Defence) for name in names
    }
    return dict(sorted((found | load_plugins(DEFENCES, found, _problem)).items()))


def _problem(loaded: object) -> str:
    """Say why something that a plug-in offers is not a defence; empty if it is."""
    return problem_of_class(loaded, Defence, DECLARED)
