"""What the machine leaves to whoever looks at a pickle, or loads it."""

from __future__ import annotations

from typing import Any, Protocol

from goalkeeper.opening.arrays import ArrayWrapper
from goalkeeper.opening.limits import Allowance


class Builder(Protocol):
    """What to do where a pickle imports, calls, makes or changes something."""

    limits: Allowance

    def find(self, module: str, name: str) -> Any:
        """Import a name."""

    def call(self, what: Any, given: Any) -> Any:
        """Call something with a tuple of arguments."""

    def new(self, what: Any, given: Any, named: Any) -> Any:
        """Make an instance without initialising it."""

    def build(self, instance: Any, state: Any) -> None:
        """Give an instance its state."""

    def extend(self, target: Any, items: list[Any]) -> None:
        """Append to a list."""

    def update(self, target: Any, pairs: list[tuple[Any, Any]]) -> None:
        """Set items of a dictionary."""

    def add(self, target: Any, items: list[Any]) -> None:
        """Add to a set."""

    def frozen(self, items: list[Any]) -> Any:
        """Make a frozen set."""

    def persistent(self, key: Any) -> Any:
        """Fetch what is stored elsewhere."""

    def array(self, wrapper: ArrayWrapper, raw: memoryview) -> Any:
        """Make an array of raw numbers."""

    def problem(self, text: str) -> Any:
        """Refuse something; returns a value to put in its place, or raises Refused."""
