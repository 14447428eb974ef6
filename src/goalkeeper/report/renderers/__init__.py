"""Every format of the report, one file each; found by discovery."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from goalkeeper.core.plugins import RENDERERS, load_plugins
from goalkeeper.report.renderer import Renderer

__all__ = ["renderers"]


@cache
def renderers() -> Mapping[str, type[Renderer]]:
    """Map the name of each format (its file name) to its class: ours, then those of plug-ins."""
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    found = {name: _the_renderer(importlib.import_module(f"{__name__}.{name}")) for name in names}
    return dict(sorted((found | load_plugins(RENDERERS, found, _problem)).items()))


def _the_renderer(module: ModuleType) -> type[Renderer]:
    own = [c for c in vars(module).values() if getattr(c, "__module__", "") == module.__name__]
    found: list[type[Renderer]] = [c for c in own if not _problem(c)]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one renderer, found {found}")
    return found[0]


def _problem(loaded: object) -> str:
    """Say why something that a plug-in offers is not a renderer; empty if it is."""
    if not (isinstance(loaded, type) and issubclass(loaded, Renderer)):
        return "it is not a subclass of goalkeeper.report.Renderer"
    if inspect.isabstract(loaded):
        return "it does not define render()"
    missing = [name for name in ("suffix", "media_type") if not hasattr(loaded, name)]
    return f"it does not declare {', '.join(missing)}" if missing else ""
