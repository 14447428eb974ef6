"""What each opcode of a pickle does to the stack, the memo and the builder."""

from __future__ import annotations

import codecs
import math
import pickle
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from goalkeeper.opening.arrays import ArrayWrapper
from goalkeeper.opening.builder import Builder
from goalkeeper.opening.limits import Refused, Unreadable

ARRAYS_DEEP = 20  # arrays of objects inside one another


class OpcodeReader:
    """What each opcode does; each method is called after its opcode. `Machine` is the reader."""

    def __init__(self, data: bytes, place: int, builder: Builder, depth: int = 0) -> None:
        self.data, self.place, self.builder, self.depth = data, place, builder, depth
        self.protocol = 0
        self.arrays: list[tuple[int, int, int]] = []
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._frame: int | None = None

    def read(self) -> Any:
        if self.depth > ARRAYS_DEEP:
            raise Unreadable("arrays of objects are nested too deeply")
        spend = self.builder.limits.step
        while True:
            spend()
            code = self._take(1)[0]
            if code == _STOP:
                break
            step = _STEPS.get(code)
            if step is None:
                raise Unreadable(f"it is not a pickle: no opcode {bytes([code])!r}")
            step(self)
        if self._frame is not None and self.place != self._frame:
            self.builder.problem("a frame of the pickle hides bytes behind its end")
        return self._pop()

    # ---- bytes ----------------------------------------------------------------------------------

    def _take(self, size: int) -> bytes:
        end = self.place + size
        if self._frame is not None and self.place >= self._frame:
            self._frame = None
        if end > len(self.data) or size < 0 or (self._frame is not None and end > self._frame):
            raise Unreadable("it is cut off: it ends before the pickle does")
        found = self.data[self.place : end]
        self.place = end
        return found

    def number(self, form: str) -> int:
        size = struct.calcsize(form)
        return int(struct.unpack(form, self._take(size))[0])

    def _line(self) -> bytes:
        end = self.data.find(b"\n", self.place)
        if end < 0:
            raise Unreadable("it is cut off: it ends before the pickle does")
        return self._take(end + 1 - self.place)[:-1]

    def _text(self) -> str:
        return self._line().decode("utf-8")

    def frame(self) -> None:
        size = self.number("<Q")
        if self._frame is not None and self.place < self._frame:
            raise Unreadable("a frame of the pickle begins inside another one")
        if size > len(self.data) - self.place:
            raise Unreadable("it is cut off: a frame is longer than the file")
        self._frame = self.place + size

    # ---- stack ----------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Unreadable("it is not a pickle: it takes what is not there")
        return self._stack.pop()

    def _top(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Unreadable("it is not a pickle: it takes what is not there")
        return self._stack[-1]

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def group(self) -> list[Any]:
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def pop(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def pop_mark(self) -> None:
        self.group()

    def dup(self) -> None:
        self.push(self._top())

    def tuple_of(self, size: int) -> None:
        values = [self._pop() for _ in range(size)]
        self.push(tuple(values[::-1]))

    # ---- memo -----------------------------------------------------------------------------------

    def _put(self, key: int) -> None:
        if not 0 <= key <= len(self.data) + _LONG:
            raise Unreadable("it is not a pickle: a memo number is out of range")
        self._memo[key] = self._top()

    def memoize(self) -> None:
        self._put(len(self._memo))

    def put(self) -> None:
        self._put(int(self._line()))

    def binput(self) -> None:
        self._put(self.number("<B"))

    def long_binput(self) -> None:
        self._put(self.number("<I"))

    def get(self) -> None:
        self.push(self._memo[int(self._line())])

    def binget(self) -> None:
        self.push(self._memo[self.number("<B")])

    def long_binget(self) -> None:
        self.push(self._memo[self.number("<I")])

    # ---- plain values ---------------------------------------------------------------------------

    def proto(self) -> None:
        self.protocol = self.number("<B")
        if self.protocol > pickle.HIGHEST_PROTOCOL:
            raise Unreadable(f"it has pickle protocol {self.protocol}, which is not known here")

    def integer(self) -> None:
        line = self._line()
        self.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line, 0))

    def long(self) -> None:
        self.push(int(self._line().removesuffix(b"L"), 0))

    def long_of(self, form: str) -> None:
        size = self.number(form)
        if size > _LONG:
            raise Unreadable(f"a whole number of {size} bytes is longer than any in a model")
        self.push(int.from_bytes(self._take(size), "little", signed=True))

    def float_line(self) -> None:
        self.push(float(self._line()))

    def float_bytes(self) -> None:
        self.push(struct.unpack(">d", self._take(8))[0])

    def string_line(self) -> None:
        line = self._line().strip()
        if len(line) < 2 or line[:1] not in b"\"'" or line[-1:] != line[:1]:
            raise Unreadable("it is not a pickle: a text without quotes")
        self.push(codecs.escape_decode(line[1:-1])[0].decode("ascii"))

    def string_of(self, form: str) -> None:
        self.push(self._take(self.number(form)).decode("ascii"))

    def unicode_line(self) -> None:
        self.push(self._line().decode("raw-unicode-escape"))

    def unicode_of(self, form: str) -> None:
        self.push(self._take(self.number(form)).decode("utf-8", "surrogatepass"))

    def bytes_of(self, form: str) -> None:
        self.push(self._take(self.number(form)))

    def bytearray_of(self) -> None:
        self.push(bytearray(self._take(self.number("<Q"))))

    # ---- collections ----------------------------------------------------------------------------

    def list_of(self) -> None:
        self.push(self.group())

    def dict_of(self) -> None:
        items = self.group()
        found: dict[Any, Any] = {}
        self.builder.update(found, _pairs(items))
        self.push(found)

    def frozenset_of(self) -> None:
        self.push(self.builder.frozen(self.group()))

    def append(self) -> None:
        item = self._pop()
        self.builder.extend(self._top(), [item])

    def appends(self) -> None:
        items = self.group()
        self.builder.extend(self._top(), items)

    def setitem(self) -> None:
        value, key = self._pop(), self._pop()
        self.builder.update(self._top(), [(key, value)])

    def setitems(self) -> None:
        items = self.group()
        self.builder.update(self._top(), _pairs(items))

    def additems(self) -> None:
        items = self.group()
        self.builder.add(self._top(), items)

    # ---- names, calls, instances ----------------------------------------------------------------

    def _find(self, module: Any, name: Any) -> Any:
        if not isinstance(module, str) or not isinstance(name, str):
            return self.builder.problem(
                "it imports something whose name is made up while it is loaded"
            )
        if self.protocol < 3:  # Python's readers rename what Python 2 wrote
            module, name = _renamed(module, name)
        return self.builder.find(module, name)

    def name_lines(self) -> None:
        module = self._text()
        self.push(self._find(module, self._text()))

    def name_stack(self) -> None:
        name, module = self._pop(), self._pop()
        self.push(self._find(module, name))

    def extension(self, form: str) -> None:
        code = self.number(form)
        self.push(self.builder.problem(f"it imports by an extension code ({code})"))

    def inst(self) -> None:
        module = self._text()
        what = self._find(module, self._text())
        self.push(self._instance(what, tuple(self.group())))

    def obj(self) -> None:
        what, *given = self.group()
        self.push(self._instance(what, tuple(given)))

    def _instance(self, what: Any, given: tuple[Any, ...]) -> Any:
        if given:
            return self.builder.call(what, given)
        return self.builder.new(what, (), {})

    def reduce(self) -> None:
        given, what = self._pop(), self._pop()
        self.push(self.builder.call(what, given))

    def newobj(self) -> None:
        given, what = self._pop(), self._pop()
        self.push(self.builder.new(what, given, {}))

    def newobj_ex(self) -> None:
        named, given, what = self._pop(), self._pop(), self._pop()
        self.push(self.builder.new(what, given, named))

    def build(self) -> None:
        state = self._pop()
        top = self._top()
        if isinstance(top, ArrayWrapper):
            self._stack[-1] = self._array(top, state)
        else:
            self.builder.build(top, state)

    def persid(self) -> None:
        self.push(self.builder.persistent(self._line().decode("ascii")))

    def binpersid(self) -> None:
        self.push(self.builder.persistent(self._pop()))

    def out_of_band(self) -> None:
        raise Unreadable("it needs buffers that are not in the file")

    # ---- arrays of joblib -----------------------------------------------------------------------

    def _array(self, wrapper: ArrayWrapper, state: Any) -> Any:
        """Read what joblib writes behind the wrapper of an array: raw numbers, or a pickle."""
        wrapper.set(state)
        if self._frame is not None and self.place < self._frame:
            # joblib would read the numbers behind the frame, and then its remaining opcodes.
            raise Refused("the numbers of an array stand elsewhere than its wrapper says")
        self._frame = None
        if wrapper.dtype.hasobject:
            inner = type(self)(self.data, self.place, self.builder, self.depth + 1)
            found = inner.read()
            self.place = inner.place
            return found
        if wrapper.aligned:
            self._take(self.number("<B"))
        size = wrapper.dtype.itemsize * math.prod(wrapper.shape)
        start = self.place
        if size > len(self.data) - start:
            raise Unreadable(
                f"an array of {size:,} bytes is said to stand where {len(self.data) - start:,} are"
            )
        self.place += size
        if wrapper.dtype.kind == "f" and size:
            self.arrays.append((start, self.place, wrapper.dtype.itemsize))
        return self.builder.array(wrapper, memoryview(self.data)[start : self.place])


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(items[::2], items[1::2], strict=True))


def _renamed(module: str, name: str) -> tuple[str, str]:
    import _compat_pickle as compat

    if (module, name) in compat.NAME_MAPPING:
        return compat.NAME_MAPPING[(module, name)]
    return compat.IMPORT_MAPPING.get(module, module), name


_STOP = pickle.STOP[0]
_LONG = 1 << 16  # bytes of a whole number
_M = OpcodeReader


def _constant(*, value: Any) -> Callable[[OpcodeReader], None]:
    return lambda machine: machine.push(value)


# What is done for each opcode; those of pickle are module constants such as pickle.REDUCE.
_STEPS: Mapping[int, Callable[[OpcodeReader], None]] = MappingProxyType({
    ord(code): step
    for code, step in (
        ("(", _M.mark), ("0", _M.pop), ("1", _M.pop_mark), ("2", _M.dup),
        ("F", _M.float_line), ("G", _M.float_bytes), ("I", _M.integer),
        ("J", lambda m: m.push(m.number("<i"))), ("K", lambda m: m.push(m.number("<B"))),
        ("M", lambda m: m.push(m.number("<H"))), ("L", _M.long),
        ("\x8a", lambda m: m.long_of("<B")), ("\x8b", lambda m: m.long_of("<i")),
        ("N", _constant(value=None)), ("\x88", _constant(value=True)),
        ("\x89", _constant(value=False)),
        ("S", _M.string_line), ("T", lambda m: m.string_of("<i")),
        ("U", lambda m: m.string_of("<B")),
        ("V", _M.unicode_line), ("X", lambda m: m.unicode_of("<I")),
        ("\x8c", lambda m: m.unicode_of("<B")), ("\x8d", lambda m: m.unicode_of("<Q")),
        ("B", lambda m: m.bytes_of("<I")), ("C", lambda m: m.bytes_of("<B")),
        ("\x8e", lambda m: m.bytes_of("<Q")), ("\x96", _M.bytearray_of),
        (")", _constant(value=())), ("t", lambda m: m.push(tuple(m.group()))),
        ("\x85", lambda m: m.tuple_of(1)), ("\x86", lambda m: m.tuple_of(2)),
        ("\x87", lambda m: m.tuple_of(3)),
        ("]", lambda m: m.push([])), ("l", _M.list_of), ("a", _M.append), ("e", _M.appends),
        ("}", lambda m: m.push({})), ("d", _M.dict_of), ("s", _M.setitem), ("u", _M.setitems),
        ("\x8f", lambda m: m.push(set())), ("\x90", _M.additems), ("\x91", _M.frozenset_of),
        ("p", _M.put), ("q", _M.binput), ("r", _M.long_binput), ("\x94", _M.memoize),
        ("g", _M.get), ("h", _M.binget), ("j", _M.long_binget),
        ("c", _M.name_lines), ("\x93", _M.name_stack), ("i", _M.inst), ("o", _M.obj),
        ("R", _M.reduce), ("\x81", _M.newobj), ("\x92", _M.newobj_ex), ("b", _M.build),
        ("\x82", lambda m: m.extension("<B")), ("\x83", lambda m: m.extension("<H")),
        ("\x84", lambda m: m.extension("<i")),
        ("P", _M.persid), ("Q", _M.binpersid), ("\x80", _M.proto), ("\x95", _M.frame),
        ("\x97", _M.out_of_band), ("\x98", _M.out_of_band),
    )
})  # fmt: skip
