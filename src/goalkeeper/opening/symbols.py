"""Looking at a pickle: what it would import, call and make, without doing any of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.opening.arrays import ArrayWrapper, set_dtype
from goalkeeper.opening.calls import CALLS, may_be_key
from goalkeeper.opening.classes import current
from goalkeeper.opening.limits import Allowance, Refused, check_key
from goalkeeper.opening.names import Name
from goalkeeper.opening.rules import RECONSTRUCTOR, Rules
from goalkeeper.opening.states import DICTIONARIES, plain, state_of

WRAPPER = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
_DEQUE = Name("collections", "deque")
_STORAGE = 5  # values in the key by which torch names a storage, at least
_MODULE = 4  # values in the key by which its older format names the class of a module


class Symbol:
    """Something that would be imported."""

    def __init__(self, name: Name) -> None:
        self.name = name


class Built:
    """What a call would return, or an instance that would be made."""

    def __init__(self, kind: Name | None) -> None:
        self.kind = kind


@dataclass(eq=False)
class Seen:
    """What was seen in a file so far.

    Attributes
    ----------
    names
        Everything that would be imported.
    problems
        What is not allowed beside names.
    calls
        How many calls would be made.
    storages
        What is fetched by persistent keys: torch's storages.
    """

    names: set[Name] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    calls: int = 0
    storages: list[tuple[Any, ...]] = field(default_factory=list)


class Looking:
    """The builder that only writes down what would happen; nothing is imported from a file's words.

    Parameters
    ----------
    rules
        What is allowed.
    limits
        What the file may cost.
    seen
        Where it is written down.
    """

    def __init__(self, rules: Rules, limits: Allowance, seen: Seen) -> None:
        self.rules, self.limits, self.seen = rules, limits, seen

    # ---- how values look ------------------------------------------------------------------------

    def name_of(self, value: Any) -> Name | None:
        """Return the name of a symbol."""
        return value.name if isinstance(value, Symbol) else None

    def kind_of(self, value: Any) -> Name | None:
        """Return what was called or made."""
        if isinstance(value, np.ndarray):
            return Name("numpy", "ndarray")
        return value.kind if isinstance(value, Built) else None

    def problem(self, text: str) -> Any:
        """Write down a problem, and put an unknown value in its place."""
        if text not in self.seen.problems and len(self.seen.problems) < 100:
            self.seen.problems.append(text)
        return Built(None)

    # ---- what a pickle asks for -----------------------------------------------------------------

    def find(self, module: str, name: str) -> Any:
        """Write down a name."""
        found = current(Name(module, name))
        self.seen.names.add(found)
        return Symbol(found)

    def call(self, what: Any, given: Any) -> Any:
        """Check a call; calls with plain results are made."""
        self.seen.calls += 1
        name = self.name_of(what)
        if not isinstance(given, tuple):
            return self.problem("it calls with something else than a list of arguments")
        if name is None:
            return self.problem("it calls what it made while it is loaded")
        if name == RECONSTRUCTOR:
            return self._reconstruct(given)
        call = CALLS.get(name)
        if call is None:
            if self.rules.verdict(name) == "harmless" and not self.rules.is_trusted(name):
                return self.problem(f"it calls {name}, which models only name")
            return Built(name)
        try:
            if not call.fits(self, given):
                return self.problem(f"it calls {name} with arguments that models do not use")
            if name == Name("builtins", "getattr"):
                return Symbol(Name("builtins", f"str.{given[1]}"))
            if call.plain and call.make is not None:
                return call.make(*given)
            return Built(call.gives(self, given) if call.gives else name)
        except Refused as error:
            return self.problem(str(error))

    def _reconstruct(self, given: tuple[Any, ...]) -> Any:
        if len(given) != 3 or self.name_of(given[1]) not in BASES:
            return self.problem("it makes an instance with a base that models do not use")
        return self.new(given[0], (), {})

    def new(self, what: Any, given: Any, named: Any) -> Any:
        """Check the making of an instance."""
        self.seen.calls += 1
        name = self.name_of(what)
        if name is None:
            return self.problem("it makes an instance of what it made while it is loaded")
        if name == WRAPPER and given == () and not named:
            return ArrayWrapper()
        if given != () or named:
            if named and not self.rules.is_trusted(name):
                return self.problem(f"it makes a {name} with arguments that models do not use")
            return self.call(what, given)
        if name in CALLS:
            return self.call(what, ())
        if self.rules.verdict(name) == "harmless" and not self.rules.makes(name):
            return self.problem(f"it makes a {name}, which models only name")
        return Built(name)

    def build(self, instance: Any, state: Any) -> None:
        """Check the state of an instance."""
        try:
            if isinstance(instance, np.dtype):
                set_dtype(instance, state)
            elif isinstance(instance, Built):
                self._state(instance, state)
            else:
                self.problem("it changes something that it did not make")
        except Refused as error:
            self.problem(str(error))

    def _state(self, instance: Built, state: Any) -> None:
        kind = instance.kind
        if kind is None or self.rules.is_trusted(kind):
            return
        allowed = state_of(kind)
        if allowed is not None:
            allowed.check(self, state)
        elif self.rules.find_class(kind) is not None:
            plain(self, state)
        elif self.rules.verdict(kind) == "harmless":
            self.problem(f"it changes a {kind}, which models only name")

    # ---- collections ----------------------------------------------------------------------------

    def extend(self, target: Any, items: list[Any]) -> None:
        """Append to a list, or to what would be a queue."""
        if isinstance(target, list):
            target.extend(items)
        elif not (isinstance(target, Built) and self._may_grow(target, {_DEQUE})):
            self.problem("it appends to something that is no list")

    def update(self, target: Any, pairs: list[tuple[Any, Any]]) -> None:
        """Set items of a dictionary, or of what would be one."""
        for key, value in pairs:
            if self._checked(key) and isinstance(target, dict):
                target[key] = value
        if isinstance(target, dict):
            return
        if not (isinstance(target, Built) and self._may_grow(target, DICTIONARIES)):
            self.problem("it sets items of something that is no dictionary")

    def add(self, target: Any, items: list[Any]) -> None:
        """Add to a set."""
        if not isinstance(target, set):
            self.problem("it adds to something that is no set")
            return
        target.update(item for item in items if self._checked(item))

    def frozen(self, items: list[Any]) -> Any:
        """Make a frozen set."""
        return frozenset(item for item in items if self._checked(item))

    def _may_grow(self, target: Built, kinds: set[Name]) -> bool:
        kind = target.kind
        # What is on no list was reported by its name.
        return kind is None or kind in kinds or self.rules.verdict(kind) != "harmless"

    def _checked(self, key: Any) -> bool:
        try:
            check_key(key, self.limits)
        except Refused as error:
            self.problem(str(error))
            return False
        if not may_be_key(self, key):
            self.problem("a key of a dictionary has a hash of its own")
            return False
        return True

    # ---- elsewhere ------------------------------------------------------------------------------

    def persistent(self, key: Any) -> Any:
        """Write down a storage of torch."""
        if isinstance(key, tuple) and len(key) == _MODULE and key[0] == "module":
            return key[1]  # a class, with its source for comparison
        if not isinstance(key, tuple) or len(key) < _STORAGE or key[0] != "storage":
            return self.problem("it fetches something that is stored elsewhere")
        self.seen.storages.append(key)
        return Built(Name("torch", "FloatStorage"))

    def array(self, wrapper: ArrayWrapper, raw: memoryview) -> Any:
        """Stand for an array of raw numbers."""
        self.limits.take(len(raw))
        return Built(Name("numpy", "ndarray"))


BASES = (Name("builtins", "object"), Name("builtins", "dict"))
