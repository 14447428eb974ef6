"""Read the opcodes of a pickle with a stack of symbols: nothing is imported, called or run."""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.targets._pickle_names import Name

WRAPPER = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
DEEP = 20  # arrays of objects inside one another


class Unreadable(Exception):
    """The bytes are no pickle, or end too early."""


class _Mark:
    """Where a group of values begins on the stack."""


class Built:
    """What a call would return: the function or class, what it was called with, and its state."""

    def __init__(self, what: Any, given: Any) -> None:
        self.what, self.given, self.state = what, given, None


class Unknown:
    """A value of no interest here."""


class Reader:
    """Reads one pickle from a stream, up to its end; raises Unreadable.

    Attributes
    ----------
    names
        Everything it imports.
    problems
        Imports whose names are not written in the file but made up while it is loaded.
    arrays
        Where raw floating-point numbers stand (joblib), as (first byte, end, bytes a number).
    """

    def __init__(self, stream: io.BytesIO, depth: int = 0) -> None:
        self.stream, self.depth = stream, depth
        self.names: set[Name] = set()
        self.problems: list[str] = []
        self.arrays: list[tuple[int, int, int]] = []
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._steps = self._table()

    def read(self) -> None:
        """Read every opcode up to STOP."""
        if self.depth > DEEP:
            raise Unreadable("arrays of objects are nested too deeply")
        try:
            for opcode, argument, _ in pickletools.genops(self.stream):
                self._step(opcode, argument)
        except Unreadable:
            raise
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise Unreadable(f"it is not a pickle, or is cut off ({str(error)[:80]})") from error

    def _table(self) -> dict[str, Callable[[Any], None]]:
        """List what is done for each opcode of which more must be known than its stack effect."""
        push, group = self._push, self._group
        return {
            "GLOBAL": self._global,
            "STACK_GLOBAL": self._stack_global,
            "INST": self._inst,
            "OBJ": self._obj,
            "EXT1": self._extension,
            "EXT2": self._extension,
            "EXT4": self._extension,
            "REDUCE": self._call,
            "NEWOBJ": self._call,
            "NEWOBJ_EX": self._call_named,
            "BUILD": self._build,
            "MARK": lambda _: push(_Mark()),
            "POP": self._pop,
            "POP_MARK": self._pop_mark,
            "DUP": lambda _: push(self._stack[-1]),
            "PUT": self._put,
            "BINPUT": self._put,
            "LONG_BINPUT": self._put,
            "MEMOIZE": self._memoize,
            "GET": self._get,
            "BINGET": self._get,
            "LONG_BINGET": self._get,
            "NONE": lambda _: push(None),
            "EMPTY_TUPLE": lambda _: push(()),
            "EMPTY_LIST": lambda _: push([]),
            "EMPTY_DICT": lambda _: push({}),
            "TUPLE": lambda _: push(tuple(group())),
            "LIST": lambda _: push(group()),
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "SETITEM": self._set_item,
            "SETITEMS": lambda _: self._items(group()),
        }

    # ---- one opcode ------------------------------------------------------------------------------

    def _step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        handler = self._steps.get(opcode.name)
        if handler is None:
            self._other(opcode, argument)
        else:
            handler(argument)

    def _other(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Do what the table of opcodes says: pop, then push the argument or an unknown value."""
        for kind in reversed(opcode.stack_before):
            if kind is pickletools.stackslice:
                self._group()
            elif kind is not pickletools.markobject:
                self._stack.pop()
        pushed = [k for k in opcode.stack_after if k is not pickletools.markobject]
        value = argument if len(pushed) == 1 and not opcode.stack_before else None
        plain = isinstance(value, str | int | float | bytes)
        self._stack += [value if plain else Unknown() for _ in pushed]

    def _group(self) -> list[Any]:
        """Pop everything above the last mark, and the mark."""
        values = []
        while not isinstance(top := self._stack.pop(), _Mark):
            values.append(top)
        return values[::-1]

    def _named(self, module: Any, name: Any) -> Any:
        if isinstance(module, str) and isinstance(name, str):
            found = Name(module, name)
            self.names.add(found)
            return found
        self.problems.append("it imports something whose name is made up while it is loaded")
        return Unknown()

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(self._named(module, name))

    def _stack_global(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(self._named(module, name))

    def _inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(Built(self._named(module, name), self._group()))

    def _extension(self, argument: Any) -> None:
        self.problems.append(f"it imports by an extension code ({argument})")
        self._stack.append(Unknown())

    def _obj(self, _: Any) -> None:
        what, *given = self._group()
        self._stack.append(Built(what, given))

    def _call(self, _: Any) -> None:
        given, what = self._stack.pop(), self._stack.pop()
        self._stack.append(Built(what, given))

    def _call_named(self, _: Any) -> None:
        self._stack.pop()
        self._call(None)

    def _build(self, _: Any) -> None:
        state = self._stack.pop()
        top = self._stack[-1]
        if isinstance(top, Built):
            top.state = state
            if top.what == WRAPPER:
                self._skip(state)

    def _skip(self, state: Any) -> None:
        """Skip the numbers that joblib writes behind the wrapper of an array."""
        if not isinstance(state, dict):
            raise Unreadable("an array inside the joblib file cannot be read")
        kind = _kind(state.get("dtype"))
        if kind.hasobject:
            inner = Reader(self.stream, self.depth + 1)
            try:
                inner.read()
            finally:
                self.names |= inner.names
                self.problems += inner.problems
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self.stream.read(1)
            self.stream.seek(padding[0] if padding else 0, io.SEEK_CUR)
        start = self.stream.tell()
        end = start + kind.itemsize * math.prod(int(n) for n in state["shape"])
        self.stream.seek(end)
        if kind.kind == "f" and end > start:
            self.arrays.append((start, end, kind.itemsize))

    # ---- values ----------------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop_mark(self, _: Any) -> None:
        self._group()

    def _tuple(self, size: int) -> None:
        values = tuple(self._stack[len(self._stack) - size :])
        del self._stack[len(self._stack) - size :]
        self._stack.append(values)

    def _items(self, pairs: list[Any]) -> None:
        top = self._stack[-1]
        if isinstance(top, dict):
            plain = (str, int, bytes)
            top |= {
                k: v for k, v in zip(pairs[::2], pairs[1::2], strict=True) if isinstance(k, plain)
            }

    def _set_item(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._items([key, value])

    def _pop(self, _: Any) -> None:
        self._stack.pop()  # of a mark as well: then the group is empty

    def _put(self, argument: Any) -> None:
        self._memo[int(argument)] = self._stack[-1]

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, argument: Any) -> None:
        self._stack.append(self._memo[int(argument)])


def _kind(built: Any) -> np.dtype[Any]:
    """Read a dtype as pickles write it: a call of numpy.dtype with a string."""
    given = built.given if isinstance(built, Built) and built.what == Name("numpy", "dtype") else ()
    if not isinstance(given, tuple) or not given or not isinstance(given[0], str):
        raise Unreadable("the type of an array inside the joblib file cannot be read")
    return np.dtype(given[0])
