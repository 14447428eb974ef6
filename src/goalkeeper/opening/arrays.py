"""Types, sizes and headers of stored arrays, checked before numpy is given anything."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

import numpy as np

from goalkeeper.opening.limits import Refused, Unreadable

MOST_ITEMS = 1 << 40  # of arrays whose items take no bytes
HEADER = 1 << 16  # bytes of the header of an npy file
_TYPE = re.compile(r"[<>|=]?(?:[?bBhHiIlLqQefdgFDG]|[biufc]\d{1,2}|[SUVMmO]\d{0,9})")
_FIELDS = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
_UNITS = re.compile(rb"[YMWDhms]|[munpfa]s|generic")


def make_dtype(text: Any, *_: Any) -> np.dtype[Any]:
    """Make a type from its short text, e.g. `f8`; a new object, so that its state may be set.

    Raises
    ------
    Refused
        It is not such a text: numpy would take it for a description of a type, and evaluate it.
    """
    if not isinstance(text, str) or not _TYPE.fullmatch(text):
        raise Refused(f"an array has the type {str(text)[:40]!r}, which models do not have")
    try:
        return np.dtype(text, copy=True)
    except (TypeError, ValueError) as error:
        raise Refused(f"an array has the type {text[:40]!r}, which numpy does not know") from error


def set_dtype(kind: np.dtype[Any], state: Any) -> None:
    """Give a type its byte order, unit of time or fields; raises Refused for anything else."""
    if not isinstance(state, tuple) or len(state) not in (8, 9) or state[3:5] == ():
        raise Refused("the type of an array has a state that numpy does not write")
    order, nested, names, fields = state[1:5]
    if order not in ("<", ">", "|", "=") or nested is not None:
        raise Refused("the type of an array has a byte order or shape that models do not have")
    if names is not None:
        wanted = _with_fields(kind, names, fields)
    elif kind.kind in "mM":
        wanted = np.dtype(f"{order}{kind.char}8{_unit(state[8:])}")
    else:
        if fields is not None or state[5] not in (-1, kind.itemsize):
            raise Refused("the type of an array has another size than it says")
        wanted = kind.newbyteorder(order) if order in "<>" else kind
    setter: Any = kind
    setter.__setstate__(wanted.__reduce__()[2])


def _unit(state: tuple[Any, ...]) -> str:
    match state:
        case ((_, (bytes(unit), int(count), 1, 1)),) if _UNITS.fullmatch(unit) and count > 0:
            return "" if unit == b"generic" else f"[{count}{unit.decode()}]"
    raise Refused("a type of time has a unit that numpy does not write")


def _with_fields(kind: np.dtype[Any], names: Any, fields: Any) -> np.dtype[Any]:
    """Build a structured type in numpy's own way: all fields inside it, and without objects."""
    if kind.kind != "V" or not isinstance(names, tuple) or not isinstance(fields, dict):
        raise Refused("a type with fields is described otherwise than numpy describes it")
    formats, offsets = [], []
    for name in names:
        field = fields.get(name) if isinstance(name, str) else None
        if not isinstance(field, tuple) or len(field) != 2 or len(fields) != len(names):
            raise Refused("a type with fields is described otherwise than numpy describes it")
        part, offset = field
        if not isinstance(part, np.dtype) or part.hasobject or type(offset) is not int:
            raise Refused("a type with fields holds objects, or fields of no known type")
        if offset < 0 or offset + part.itemsize > kind.itemsize:
            raise Refused("a type with fields has one that reaches beyond it")
        formats.append(part)
        offsets.append(offset)
    described: Any = {
        "names": list(names), "formats": formats, "offsets": offsets, "itemsize": kind.itemsize,
    }  # fmt: skip
    found: np.dtype[Any] = np.dtype(described)
    return found


def is_shape(shape: Any) -> bool:
    """Say whether this is a shape: a tuple of at most 64 plain whole numbers, none negative."""
    return (
        isinstance(shape, tuple)
        and len(shape) <= 64
        and all(type(n) is int and 0 <= n <= MOST_ITEMS for n in shape)
        and math.prod(shape) <= MOST_ITEMS
    )


def check_state(state: Any) -> int:
    """Check the state of a pickled array, and return how many bytes it takes.

    numpy itself does not check how many objects are in the list of an array of objects.
    """
    if not isinstance(state, tuple) or len(state) != 5:
        raise Refused("an array has a state that numpy does not write")
    _, shape, kind, order, raw = state
    if not is_shape(shape) or not isinstance(kind, np.dtype) or not isinstance(order, bool | int):
        raise Refused("an array has a shape or type that numpy does not write")
    count = math.prod(shape)
    if kind.hasobject:
        if kind.kind != "O" or not isinstance(raw, list) or len(raw) != count:
            raise Refused("an array of objects holds fewer or more than its shape says")
        return 8 * count
    if not isinstance(raw, bytes | bytearray | str) or len(raw) != count * kind.itemsize:
        raise Refused("an array holds fewer or more bytes than its shape and type say")
    return len(raw)


class ArrayWrapper:
    """What joblib puts in place of an array whose numbers it writes behind it."""

    def __init__(self) -> None:
        self.dtype: np.dtype[Any] = np.dtype("u1")
        self.shape: tuple[int, ...] = ()
        self.order = "C"
        self.aligned = False
        self.subclass: Any = None
        self._set = False

    def set(self, state: Any) -> None:
        """Take the state that the file gives; raises Refused for another than joblib writes."""
        if self._set or not isinstance(state, dict) or not set(state) <= _FIELDS:
            raise Refused("the wrapper of an array has a state that joblib does not write")
        self._set = True
        kind, shape, order = state.get("dtype"), state.get("shape"), state.get("order", "C")
        if not isinstance(kind, np.dtype) or not is_shape(shape) or order not in ("C", "F"):
            raise Refused("the wrapper of an array has a shape or type that joblib does not write")
        alignment = state.get("numpy_array_alignment_bytes")
        if alignment is not None and type(alignment) is not int:
            raise Refused("the wrapper of an array has a state that joblib does not write")
        self.dtype, self.shape, self.order = kind, tuple(shape or ()), order
        self.aligned, self.subclass = alignment is not None, state.get("subclass")


# ---- npy files -------------------------------------------------------------------------------


def read_header(content: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Read the header of an npy file: type, shape, order of Fortran, and where the numbers begin.

    Raises
    ------
    Unreadable
        The header is none that numpy writes.
    Refused
        A key stands in it twice, which readers understand differently.
    """
    wide = content[6:7] >= b"\x02"
    begin = 12 if wide else 10
    size = int.from_bytes(content[8:begin], "little")
    if content[6:7] not in (b"\x01", b"\x02", b"\x03") or size > HEADER:
        raise Unreadable("it has a version or length that numpy files do not have")
    if begin + size > len(content):
        raise Unreadable("it is cut off inside its header")
    tree = _dictionary(content[begin : begin + size])
    found = {ast.literal_eval(key): value for key, value in tree if isinstance(key, ast.Constant)}
    if len(found) != len(tree):
        raise Refused("a key stands twice in the header of the array")
    if set(found) != {"descr", "fortran_order", "shape"}:
        raise Unreadable("its header has other keys than numpy writes")
    try:
        shape, order = (ast.literal_eval(found[key]) for key in ("shape", "fortran_order"))
        kind = _described(ast.literal_eval(found["descr"]))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise Unreadable("its header has values that numpy does not write") from error
    if not is_shape(shape) or not isinstance(order, bool):
        raise Unreadable("its header has values that numpy does not write")
    return kind, shape, order, begin + size


def _dictionary(text: bytes) -> list[tuple[ast.expr | None, ast.expr]]:
    try:
        tree = ast.parse(text.decode("latin1").strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Unreadable("its header is none that numpy writes") from error
    if not isinstance(tree, ast.Dict):
        raise Unreadable("its header is none that numpy writes")
    return list(zip(tree.keys, tree.values, strict=True))


def _described(description: Any) -> np.dtype[Any]:
    """Make the type that the header describes; fields may hold objects: then a pickle follows."""
    if isinstance(description, str):
        text, unit, rest = description.partition("[")
        kind = make_dtype(text)
        return np.dtype(description) if unit and kind.kind in "mM" and rest else kind
    if not isinstance(description, list):
        raise Unreadable("its header has a type that numpy does not write")
    for field in description:
        if not isinstance(field, tuple) or len(field) not in (2, 3):
            raise Unreadable("its header has a type that numpy does not write")
        _described(field[1])
    return np.dtype(description)
