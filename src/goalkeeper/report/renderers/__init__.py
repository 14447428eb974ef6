"""Every format of the report, one file each; found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from goalkeeper.core.plugins import RENDERERS, class_in, load_plugins, problem_of_class
from goalkeeper.report.renderer import Renderer

__all__ = ["renderers"]


@cache
def renderers() -> Mapping[str, type[Renderer]]:
    """Map the name of each format (its file name) to its class: ours, then those of plug-ins."""
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    found = {
        name: class_in(importlib.import_module(f"{__name__}.{name}"), Renderer) for name in names
    }
    return dict(sorted((found | load_plugins(RENDERERS, found, _problem)).items()))


def _problem(loaded: object) -> str:
    """Say why something that a plug-in offers is not a renderer; empty if it is."""
    return problem_of_class(loaded, Renderer, ("suffix", "media_type"))
