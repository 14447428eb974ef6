"""Parts found by discovery: one class a module of ours, or an entry point of other packages.

What another package offers is loaded in one place, and never able to break a run.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Container
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

ATTACKS = "goalkeeper.attacks"
TARGETS = "goalkeeper.targets"
DEFENCES = "goalkeeper.defences"
RENDERERS = "goalkeeper.renderers"
EXECUTORS = "goalkeeper.executors"


def load_plugins(group: str, ours: Container[str], problem: Callable[[Any], str]) -> dict[str, Any]:
    """Load what installed packages offer under an entry point group, by name.

    What cannot be loaded, is not what the group asks for, or has a name that is taken is left out
    with a warning: a broken plug-in must never break goalkeeper.

    Parameters
    ----------
    group
        The entry point group.
    ours
        Names of goalkeeper's own, which a plug-in cannot take.
    problem
        Says why a loaded object is not what the group asks for; empty if it is.
    """
    found: dict[str, Any] = {}
    for point in entry_points(group=group):
        if point.name in ours:
            wrong = f"goalkeeper has its own {point.name}; rename the plug-in"
        elif point.name in found:
            wrong = "another plug-in has the same name; uninstall one of them"
        else:
            try:
                loaded = point.load()
                wrong = problem(loaded)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the code of somebody else
                wrong = f"{type(error).__name__}: {error}"
            else:
                if not wrong:
                    found[point.name] = loaded
        if wrong:
            message = f"plug-in {point.name} of {group} ({point.value}) left out: {wrong}"
            warnings.warn(message, stacklevel=2)
    return found


def class_in(module: ModuleType, base: type) -> type[Any]:
    """Return the one concrete class derived from `base` that a module, or a package, defines.

    Raises
    ------
    TypeError
        It defines none, or several.
    """
    found = [
        c
        for c in vars(module).values()
        if isinstance(c, type)
        and issubclass(c, base)
        and f"{c.__module__}.".startswith(f"{module.__name__}.")
        and not inspect.isabstract(c)
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one {base.__name__}, found {found}")
    return found[0]


def problem_of_class(loaded: object, base: type, declared: tuple[str, ...] = ()) -> str:
    """Say why a loaded object is not a usable class derived from `base`; empty if it is.

    `declared` are class attributes that have no default. One instance is made, without arguments;
    what that raises is left to `load_plugins`.
    """
    if not (isinstance(loaded, type) and issubclass(loaded, base)):
        return f"it is not a subclass of {base.__module__}.{base.__qualname__}"
    abstract = sorted(getattr(loaded, "__abstractmethods__", ()))
    if abstract:
        return f"it does not define {', '.join(abstract)}"
    missing = [name for name in declared if getattr(loaded, name, None) is None]
    if missing:
        return f"it does not declare {', '.join(missing)}"
    loaded()
    return ""
