"""Classes that installed packages add by an entry point."""

from __future__ import annotations

import inspect
import warnings
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

T = TypeVar("T")


def load_plugins(group: str, kind: type[T]) -> dict[str, type[T]]:
    """Load the classes derived from `kind` that entry points of a group name.

    A plug-in that cannot be loaded or is something else is left out with a warning: what somebody
    else installed must never keep goalkeeper from starting.
    """
    found: dict[str, type[T]] = {}
    for point in sorted(entry_points(group=group)):
        loaded = _load(point, kind)
        if loaded is not None:
            found.setdefault(point.name, loaded)
    return found


def _load(point: EntryPoint, kind: type[T]) -> type[T] | None:
    name = f"plug-in {point.name} ({point.value})"
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - importing it may raise anything
        warnings.warn(f"{name} was left out: {type(error).__name__}: {error}", stacklevel=4)
        return None
    if not (isinstance(loaded, type) and issubclass(loaded, kind)):
        warnings.warn(f"{name} was left out: it is no {kind.__name__} class", stacklevel=4)
        return None
    if inspect.isabstract(loaded):
        absent = ", ".join(sorted(getattr(loaded, "__abstractmethods__", ())))
        warnings.warn(f"{name} was left out: it does not define {absent}", stacklevel=4)
        return None
    return loaded
