"""What a file may name, and what it may do with each name."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from goalkeeper.opening import calls, states
from goalkeeper.opening.classes import find_class
from goalkeeper.opening.limits import Refused
from goalkeeper.opening.names import COMPILED, NUMBER_CLASSES, VALUES, Name, Verdict, is_dangerous

RECONSTRUCTOR = Name("copyreg", "_reconstructor")


class Rules:
    """The allow-list of one reading, with the names that the user added to it.

    Parameters
    ----------
    trusted
        `package.module.Name` of the user's own classes and functions.
    """

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        self._trusted = frozenset(_split(text) for text in trusted)
        self._classes: dict[Name, type | None] = {}

    def verdict(self, name: Name) -> Verdict:
        """Say what a name is: allowed, known to be dangerous, or neither."""
        if self.is_value(name) or name in calls.CALLS or name == RECONSTRUCTOR:
            return "harmless"
        return "dangerous" if is_dangerous(name) else "unknown"

    def is_trusted(self, name: Name) -> bool:
        """Say whether the user added the name."""
        return name in self._trusted and not is_dangerous(name)

    def is_value(self, name: Name) -> bool:
        """Say whether a name may be the value of an attribute."""
        listed = name in VALUES or name in COMPILED or name in NUMBER_CLASSES
        return listed or self.is_trusted(name) or self.makes(name)

    def makes(self, name: Name) -> bool:
        """Say whether an empty instance may be made of a name."""
        listed = name in states.MADE or states.is_distribution(name)
        return listed or self.is_trusted(name) or self.find_class(name) is not None

    def find_class(self, name: Name) -> type | None:
        """Return the class that is allowed by how it is made; see `classes`."""
        if name not in self._classes:
            self._classes[name] = find_class(name)
        return self._classes[name]

    def resolve(self, name: Name) -> Any:
        """Import an allowed name; raises Refused where it is not here, or not defined here."""
        found = self.find_class(name)
        if found is not None:
            return found
        try:
            value = vars(importlib.import_module(_here(name.module)))[name.name]
        except (ImportError, KeyError) as error:
            raise Refused(f"it names {name}, which is not installed here") from error
        if self.is_trusted(name) and getattr(value, "__module__", None) != name.module:
            raise Refused(
                f"{name} is not defined in {name.module}: name the module that defines it"
            )
        return value


def refuse_dangerous(text: str) -> None:
    """Raise Refused for a name that runs commands or code, or reaches files: nobody may add it."""
    if is_dangerous(_split(text)):
        raise Refused(f"{text} can run commands or code, or reach files: it is never allowed")


def _split(text: str) -> Name:
    module, _, name = text.rpartition(".")
    return Name(module, name)


def _here(module: str) -> str:
    """Return the module of the installed version of numpy: `numpy._core` was `numpy.core`."""
    if module.startswith("numpy._core") and importlib.util.find_spec("numpy._core") is None:
        return "numpy.core" + module.removeprefix("numpy._core")
    return module
