"""Loading a pickle: the builder that makes objects, of allowed names only."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.opening.arrays import ArrayWrapper, set_dtype
from goalkeeper.opening.calls import CALLS, may_be_key
from goalkeeper.opening.classes import current
from goalkeeper.opening.limits import Allowance, Refused, check_key
from goalkeeper.opening.names import Name
from goalkeeper.opening.rules import RECONSTRUCTOR, Rules
from goalkeeper.opening.states import plain, set_plain, state_of
from goalkeeper.opening.symbols import BASES, WRAPPER


class Making:
    """The builder that makes what a pickle holds; raises Refused for what is not allowed.

    It depends on no scan that came before: every name, call, instance and state is checked here
    when it is asked for.

    Parameters
    ----------
    rules
        What is allowed.
    limits
        What the file may cost.
    """

    def __init__(self, rules: Rules, limits: Allowance) -> None:
        self.rules, self.limits = rules, limits
        self._names: dict[int, tuple[Name, Any]] = {}  # the value is kept, so that its id stays
        self._made: dict[int, tuple[Name, Any]] = {}
        self._stated: dict[int, Any] = {}
        self.notes: list[str] = []

    # ---- how values look ------------------------------------------------------------------------

    def name_of(self, value: Any) -> Name | None:
        """Return the name by which a value was imported."""
        found = self._names.get(id(value))
        return None if found is None else found[0]

    def kind_of(self, value: Any) -> Name | None:
        """Return the name of what was made here."""
        if isinstance(value, np.ndarray) and type(value) is np.ndarray:
            return Name("numpy", "ndarray")
        found = self._made.get(id(value))
        return None if found is None else found[0]

    def problem(self, text: str) -> Any:
        """Refuse the file."""
        raise Refused(text)

    def _remember(self, kind: Name, value: Any) -> Any:
        self._made[id(value)] = (kind, value)
        return value

    # ---- what a pickle asks for -----------------------------------------------------------------

    def find(self, module: str, name: str) -> Any:
        """Import an allowed name; what may only be called is never imported."""
        found = current(Name(module, name))
        if found in (RECONSTRUCTOR, WRAPPER) or (found in CALLS and not self.rules.is_value(found)):
            value: Any = _Callable(found)
        elif self.rules.is_value(found):
            value = self.rules.resolve(found)
        else:
            raise Refused(f"it names {found}, which is on no list of harmless names")
        self._names[id(value)] = (found, value)
        return value

    def call(self, what: Any, given: Any) -> Any:
        """Call an allowed name with arguments that models use."""
        name = self.name_of(what)
        if name is None or not isinstance(given, tuple):
            raise Refused("it calls what it made while it is loaded")
        if name == RECONSTRUCTOR:
            return self._reconstruct(given)
        if self.rules.is_trusted(name):
            return self._remember(name, what(*given))
        call = CALLS.get(name)
        if call is None or call.make is None:
            raise Refused(f"it calls {name}, which models only name")
        if not call.fits(self, given):
            raise Refused(f"it calls {name} with arguments that models do not use")
        kind = call.gives(self, given) if call.gives else name
        value = call.make(*given)
        if name == Name("builtins", "getattr"):
            self._names[id(value)] = (Name("builtins", f"str.{given[1]}"), value)
            return value
        return value if call.plain else self._remember(kind or name, value)

    def _reconstruct(self, given: tuple[Any, ...]) -> Any:
        if len(given) != 3 or self.name_of(given[1]) not in BASES:
            raise Refused("it makes an instance with a base that models do not use")
        made = self.new(given[0], (), {})
        if isinstance(made, dict) and isinstance(given[2], dict):
            made.update(given[2])
        return made

    def new(self, what: Any, given: Any, named: Any) -> Any:
        """Make an empty instance of an allowed class."""
        name = self.name_of(what)
        if name is None:
            raise Refused("it makes an instance of what it made while it is loaded")
        if name == WRAPPER and given == () and not named:
            return ArrayWrapper()
        if self.rules.is_trusted(name):
            return self._remember(name, what.__new__(what, *given, **named))
        if named:
            raise Refused(f"it makes a {name} with arguments that models do not use")
        if given != () or name in CALLS:
            return self.call(what, given)
        if not self.rules.makes(name):
            raise Refused(f"it makes a {name}, which models only name")
        base = dict if issubclass(what, dict) else object
        return self._remember(name, base.__new__(what))

    def build(self, instance: Any, state: Any) -> None:
        """Give an instance that was made here its state, once."""
        if isinstance(instance, np.dtype):
            self._once(instance)
            set_dtype(instance, state)
            return
        made = self._made.get(id(instance))
        if made is None:
            raise Refused("it changes something that it did not make")
        self._once(instance)
        kind = made[0]
        if self.rules.is_trusted(kind):
            _set_trusted(instance, state)
            return
        allowed = state_of(kind)
        if allowed is not None:
            allowed.check(self, state)
            (allowed.apply or set_plain)(instance, state)
        elif self.rules.find_class(kind) is not None:
            plain(self, state)
            set_plain(instance, self._without_cache(state))
        else:
            raise Refused(f"it changes a {kind}, which models only name")

    def _without_cache(self, state: dict[str, Any]) -> dict[str, Any]:
        """Leave out a cache on disk: joblib would unpickle what lies there when it is trained."""
        if not isinstance(state.get("memory"), str):
            return state
        self.notes.append("its cache on disk (memory) is not used")
        return {**state, "memory": None}

    def _once(self, instance: Any) -> None:
        if id(instance) in self._stated:
            raise Refused("it changes an instance again that is complete")
        self._stated[id(instance)] = instance

    # ---- collections ----------------------------------------------------------------------------

    def extend(self, target: Any, items: list[Any]) -> None:
        """Append to a list or queue."""
        import collections

        if type(target) not in (list, collections.deque):
            raise Refused("it appends to something that is no list")
        target.extend(items)

    def update(self, target: Any, pairs: list[tuple[Any, Any]]) -> None:
        """Set items of a dictionary."""
        if not isinstance(target, dict):
            raise Refused("it sets items of something that is no dictionary")
        for key, value in pairs:
            self._check(key)
            dict.__setitem__(target, key, value)

    def add(self, target: Any, items: list[Any]) -> None:
        """Add to a set."""
        if type(target) is not set:
            raise Refused("it adds to something that is no set")
        for item in items:
            self._check(item)
            target.add(item)

    def frozen(self, items: list[Any]) -> Any:
        """Make a frozen set."""
        for item in items:
            self._check(item)
        return frozenset(items)

    def _check(self, key: Any) -> None:
        check_key(key, self.limits)
        if not may_be_key(self, key):
            raise Refused("a key of a dictionary has a hash of its own")

    # ---- elsewhere ------------------------------------------------------------------------------

    def persistent(self, key: Any) -> Any:
        """Refuse what is stored elsewhere."""
        raise Refused("it fetches something that is stored elsewhere, as files of torch do")

    def array(self, wrapper: ArrayWrapper, raw: memoryview) -> Any:
        """Make an array of raw numbers, in the byte order of this machine."""
        self.limits.take(len(raw))
        kind = wrapper.dtype
        flat = np.frombuffer(raw, kind) if len(raw) else np.empty(wrapper.shape, kind).ravel()
        native = flat.astype(kind.newbyteorder("="), copy=True)
        if wrapper.order == "F":
            return native.reshape(wrapper.shape[::-1]).transpose()
        return native.reshape(wrapper.shape)


class _Callable:
    """Stands for a name that may be called, and that is never a value itself."""

    def __init__(self, name: Name) -> None:
        self.name = name

    def __repr__(self) -> str:
        return str(self.name)


def _set_trusted(instance: Any, state: Any) -> None:
    """Give an instance of the user's own class its state, as Python's reader does."""
    own = getattr(instance, "__setstate__", None)
    if own is not None:
        own(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if attributes:
        vars(instance).update(attributes)
    for key, value in (slots or {}).items():
        setattr(instance, key, value)
