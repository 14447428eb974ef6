"""What may be called while a file is loaded, with which arguments, and what is called for it.

Every entry was read: none of them imports, reaches files or calls what it is given (some of the
originals do; then only the arguments that models use are allowed).
"""

from __future__ import annotations

import codecs
import collections
import datetime as dt
import decimal
import fractions
import importlib
import math
import pathlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from goalkeeper.opening.arrays import is_shape, make_dtype
from goalkeeper.opening.limits import Allowance, check_key
from goalkeeper.opening.names import (
    BITS,
    COMPILED,
    NUMBER_CLASSES,
    TEXT_METHODS,
    TREE,
    VALUES,
    Name,
    listed,
)

_PLAIN = (str, bytes, bytearray, bool, int, float, complex, np.generic)
_CODES = ("latin1", "latin-1", "utf-8", "utf8", "ascii")
_RANDOM = "numpy.random._pickle"
_BIT_CTOR = Name(_RANDOM, "__bit_generator_ctor")
_DATES = {Name("datetime", n) for n in ("date", "datetime", "time", "timedelta", "timezone")}
_FACTORIES = {Name("builtins", n) for n in ("bool", "dict", "float", "int", "list", "set", "str")}
_FACTORIES |= {Name("collections", "OrderedDict"), Name("collections", "Counter")}
_HASHED = listed({"builtins": "frozenset", "decimal": "Decimal", "fractions": "Fraction"})


class StackView(Protocol):
    """How a value on the stack looks to whoever checks it, while looking and while loading."""

    limits: Allowance

    def name_of(self, value: Any) -> Name | None:
        """Return what a value is that was imported by name; None for everything else."""

    def kind_of(self, value: Any) -> Name | None:
        """Return the class of a value that was called or made; None for plain values."""


@dataclass(frozen=True, slots=True)
class Call:
    """What may be called.

    Parameters
    ----------
    fits
        Whether the arguments are such as models have.
    make
        What is called in its place; None: only torch itself may, see `torch_files`.
    plain
        Whether the result is a plain value: then it is made even while only looking.
    gives
        The class of the result; None: the name that is called.
    """

    fits: Callable[[StackView, tuple[Any, ...]], bool]
    make: Callable[..., Any] | None
    plain: bool = False
    gives: Callable[[StackView, tuple[Any, ...]], Name | None] | None = None


# ---- plain values ----------------------------------------------------------------------------


def _none(_: StackView, given: tuple[Any, ...]) -> bool:
    return not given


def _encodes(view: StackView, given: tuple[Any, ...]) -> bool:
    if not given or not isinstance(given[0], str) or len(given) > 2:
        return False
    view.limits.take(len(given[0]))
    return len(given) == 1 or given[1] in _CODES


def _bytes(view: StackView, given: tuple[Any, ...]) -> bool:
    if len(given) == 1 and isinstance(given[0], bytes | bytearray):
        view.limits.take(len(given[0]))
        return True
    return not given or (len(given) == 2 and _encodes(view, given))


def _whole(_: StackView, given: tuple[Any, ...]) -> bool:
    return 1 <= len(given) <= 3 and all(v is None or isinstance(v, int) for v in given)


def _numbers(_: StackView, given: tuple[Any, ...]) -> bool:
    return all(isinstance(v, int | float | np.generic) for v in given)


def _collected(view: StackView, given: tuple[Any, ...]) -> bool:
    if len(given) != 1 or not isinstance(given[0], list | tuple):
        return not given
    view.limits.take(64 * len(given[0]))
    return True


def _keys(view: StackView, given: tuple[Any, ...]) -> bool:
    if not _collected(view, given):
        return False
    view.limits.take(256 * len(given[0]) if given else 0)
    for key in given[0] if given else ():
        check_key(key, view.limits)
        if not may_be_key(view, key):
            return False
    return True


def may_be_key(view: StackView, key: Any) -> bool:
    """Say whether the hash of a value is Python's or numpy's own."""
    if isinstance(key, tuple | frozenset):
        return all(may_be_key(view, part) for part in key)
    if key is None or isinstance(key, _PLAIN) or view.name_of(key) is not None:
        return not isinstance(key, bytearray)
    kind = view.kind_of(key)
    return kind in _DATES or kind in _HASHED


def _queue(view: StackView, given: tuple[Any, ...]) -> bool:
    size = given[1] if len(given) == 2 else None
    return len(given) <= 2 and _collected(view, given[:1]) and (size is None or type(size) is int)


def _counted(view: StackView, given: tuple[Any, ...]) -> bool:
    if len(given) == 1 and isinstance(given[0], dict):
        view.limits.take(64 * len(given[0]))
        return True
    return not given


def _pairs(view: StackView, given: tuple[Any, ...]) -> bool:
    pairs = given[0] if len(given) == 1 else []
    if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
        return False
    return _keys(view, ([p[0] for p in pairs],))


def _factory(view: StackView, given: tuple[Any, ...]) -> bool:
    return not given or (
        len(given) == 1 and (given[0] is None or view.name_of(given[0]) in _FACTORIES)
    )


def _dates(view: StackView, given: tuple[Any, ...]) -> bool:
    return all(v is None or isinstance(v, _PLAIN) or view.kind_of(v) in _DATES for v in given)


def _texts(_: StackView, given: tuple[Any, ...]) -> bool:
    return all(isinstance(v, str) for v in given)


def _decimal(_: StackView, given: tuple[Any, ...]) -> bool:
    return len(given) == 1 and isinstance(given[0], str) and len(given[0]) < 1000


def _fraction(_: StackView, given: tuple[Any, ...]) -> bool:
    text = isinstance(given[0], str) if len(given) == 1 else False
    return bool(re.fullmatch(r"-?\d{1,400}(/\d{1,400})?", given[0])) if text else (
        len(given) == 2 and all(type(v) is int for v in given)
    )  # fmt: skip


def _method(view: StackView, given: tuple[Any, ...]) -> bool:
    return (
        len(given) == 2
        and view.name_of(given[0]) == Name("builtins", "str")
        and given[1] in TEXT_METHODS
    )


# ---- numpy -----------------------------------------------------------------------------------


def _dtype(_: StackView, given: tuple[Any, ...]) -> bool:
    return len(given) in (1, 3) and isinstance(given[0], str)


def _empty_array(view: StackView, given: tuple[Any, ...]) -> bool:
    if len(given) != 3 or given[1] != (0,) or given[2] not in ("b", b"b"):
        return False
    return view.name_of(given[0]) in (Name("numpy", "ndarray"), Name("numpy", "matrix"))


def _make_array(kind: type[np.ndarray[Any, Any]], shape: Any, _: Any) -> Any:
    return np.ndarray.__new__(kind, shape, "b")


def _masked(view: StackView, given: tuple[Any, ...]) -> bool:
    masked = Name("numpy.ma", "MaskedArray"), Name("numpy.ma.core", "MaskedArray")
    return len(given) == 4 and view.name_of(given[0]) in masked and _empty_array(view, given[1:])


def _make_masked(kind: Any, base: Any, shape: Any, _: Any) -> Any:
    data = np.ndarray.__new__(base, shape, "b")
    return kind.__new__(kind, data, mask=np.zeros(shape, bool), dtype="b")


def _scalar(_: StackView, given: tuple[Any, ...]) -> bool:
    if not 1 <= len(given) <= 2 or not isinstance(given[0], np.dtype) or given[0].hasobject:
        return False
    raw = given[1] if len(given) == 2 else bytes(given[0].itemsize)
    return isinstance(raw, bytes | str) and len(raw) == given[0].itemsize


def _make_scalar(kind: np.dtype[Any], raw: Any = None) -> Any:
    given = raw.encode("latin1") if isinstance(raw, str) else raw
    return np.frombuffer(given or bytes(kind.itemsize), kind)[0] if kind.itemsize else kind.type()


def _buffer(view: StackView, given: tuple[Any, ...]) -> bool:
    if not 4 <= len(given) <= 5 or not isinstance(given[0], bytes | bytearray):
        return False
    raw, kind, shape, order = given[:4]
    axes = given[4] if len(given) == 5 else None
    if not isinstance(kind, np.dtype) or kind.hasobject or not is_shape(shape):
        return False
    if order == "K" and (not is_shape(axes) or sorted(axes or ()) != list(range(len(shape)))):
        return False
    view.limits.take(len(raw))
    return order in ("C", "F", "K") and math.prod(shape) * kind.itemsize == len(raw)


def _make_buffer(raw: Any, kind: Any, shape: Any, order: str, axes: Any = None) -> Any:
    array = np.frombuffer(raw, kind) if len(raw) else np.empty(0, kind)
    if order == "K":
        return array.reshape(shape).transpose(axes)
    return array.reshape(shape, order=order)  # type: ignore[call-overload]


def _ufunc(_: StackView, given: tuple[Any, ...]) -> bool:
    """Fit names of numpy only: the original imports any module by its name."""
    if len(given) != 2 or not all(isinstance(v, str) for v in given):
        return False
    found = getattr(np, given[1], None) if given[0].startswith("numpy") else None
    return isinstance(found, np.ufunc) and Name("numpy", given[1]) in VALUES


def _bits(view: StackView, given: tuple[Any, ...]) -> bool:
    if len(given) != 1:
        return not given
    return given[0] in {n.name for n in BITS} if isinstance(given[0], str) else (
        view.name_of(given[0]) in BITS
    )  # fmt: skip


def _random(view: StackView, given: tuple[Any, ...]) -> bool:
    """Fit a generator of bits; the original calls the second argument with the first."""
    if len(given) == 2 and view.name_of(given[1]) != _BIT_CTOR:
        return False
    first = given[:1]
    if first and not isinstance(first[0], str):
        kind = view.kind_of(first[0])
        return len(given) <= 2 and (kind == _BIT_CTOR or kind in BITS)
    return len(given) <= 2 and _bits(view, first)


def _seeds(view: StackView, given: tuple[Any, ...]) -> bool:
    name = Name("numpy.random.bit_generator", "SeedSequence")
    return len(given) == 3 and view.name_of(given[0]) == name and type(given[1]) is int


# ---- compiled parts of scikit-learn ----------------------------------------------------------


def _compiled(view: StackView, given: tuple[Any, ...]) -> bool:
    return len(given) == 1 and view.name_of(given[0]) in COMPILED


def _rebuilt(view: StackView, given: tuple[Any, ...]) -> bool:
    """Fit what Cython writes for a class that holds numbers only."""
    if len(given) != 3 or type(given[1]) is not int:
        return False
    return view.name_of(given[0]) in NUMBER_CLASSES and (given[2] is None or is_numbers(given[2]))


def is_numbers(value: Any) -> bool:
    """Say whether a value is a tuple of numbers."""
    return isinstance(value, tuple) and all(
        v is None or isinstance(v, int | float | np.generic) for v in value
    )


def _tree(view: StackView, given: tuple[Any, ...]) -> bool:
    if len(given) != 3 or type(given[0]) is not int or type(given[2]) is not int:
        return False
    if not 0 < given[2] <= 10_000 or view.kind_of(given[1]) != Name("numpy", "ndarray"):
        return False
    classes = given[1]
    if not isinstance(classes, np.ndarray):
        return True  # looking only
    return classes.dtype == np.intp and classes.shape == (given[2],) and bool(
        (classes > 0).all() and (classes < 10_000_000).all()
    )  # fmt: skip


def _first(view: StackView, given: tuple[Any, ...]) -> Name | None:
    return view.name_of(given[0])


def _anything(_: StackView, given: tuple[Any, ...]) -> bool:
    return True


def _late(module: str, name: str) -> Callable[..., Any]:
    def made(*given: Any) -> Any:  # imported when it is called: other packages may be missing
        return getattr(importlib.import_module(module), name)(*given)

    return made


def _numpy_table() -> dict[tuple[str, ...], Call]:
    return {
        ("numpy", "dtype"): Call(_dtype, make_dtype, plain=True),
        ("numpy._core.multiarray", "_reconstruct"): Call(_empty_array, _make_array, gives=_first),
        ("numpy._core.multiarray", "scalar"): Call(_scalar, _make_scalar, plain=True),
        ("numpy._core.numeric", "_frombuffer"): Call(
            _buffer, _make_buffer, gives=lambda *_: Name("numpy", "ndarray")
        ),
        ("numpy._core._internal", "_ufunc_reconstruct"): Call(
            _ufunc, lambda _, name: getattr(np, name)
        ),
        ("numpy._core", "_ufunc_reconstruct"): Call(_ufunc, lambda _, name: getattr(np, name)),
        ("numpy.ma.core", "_mareconstruct"): Call(_masked, _make_masked, gives=_first),
        (_RANDOM, "__bit_generator_ctor"): Call(_bits, _late(_RANDOM, "__bit_generator_ctor")),
        (_RANDOM, "__generator_ctor"): Call(_random, _late(_RANDOM, "__generator_ctor")),
        (_RANDOM, "__randomstate_ctor"): Call(_random, _late(_RANDOM, "__randomstate_ctor")),
        ("numpy.random", "__RandomState_ctor"): Call(_none, np.random.RandomState),
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): Call(
            _seeds, _late("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence")
        ),
        tuple(TREE): Call(_tree, _late(*TREE)),
    }


def _table() -> dict[Name, Call]:
    plain: dict[tuple[str, ...], Call] = {
        ("_codecs", "encode"): Call(_encodes, codecs.encode, plain=True),
        ("builtins", "bytearray"): Call(_bytes, bytearray, plain=True),
        ("builtins", "bytes"): Call(_bytes, bytes, plain=True),
        ("builtins", "complex"): Call(_numbers, complex, plain=True),
        ("builtins", "slice"): Call(_whole, slice, plain=True),
        ("builtins", "range"): Call(_whole, range, plain=True),
        ("builtins", "list"): Call(_none, list, plain=True),
        ("builtins", "dict"): Call(_none, dict, plain=True),
        ("builtins", "tuple"): Call(_none, tuple, plain=True),
        ("builtins", "object"): Call(_none, object),
        ("builtins", "set"): Call(_keys, set),
        ("builtins", "frozenset"): Call(_keys, frozenset),
        ("builtins", "getattr"): Call(_method, getattr),
        ("collections", "Counter"): Call(_counted, collections.Counter),
        ("collections", "OrderedDict"): Call(_pairs, collections.OrderedDict),
        ("collections", "defaultdict"): Call(_factory, collections.defaultdict),
        ("collections", "deque"): Call(_queue, collections.deque),
        ("decimal", "Decimal"): Call(_decimal, decimal.Decimal),
        ("fractions", "Fraction"): Call(_fraction, fractions.Fraction),
    }
    found = {Name(*name): call for name, call in (plain | _numpy_table()).items()}
    found |= {Name("datetime", n.name): Call(_dates, getattr(dt, n.name)) for n in _DATES}
    found |= {name: Call(_numbers, _late(*name)) for name in NUMBER_CLASSES}
    for module, kind in NUMBER_CLASSES:
        rebuild = f"__pyx_unpickle_{kind}"
        found[Name(module, rebuild)] = Call(_rebuilt, _late(module, rebuild), gives=_first)
    for kind in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"):
        pure = kind if kind.startswith("Pure") else f"Pure{kind}"
        found[Name("pathlib", kind)] = Call(_texts, getattr(pathlib, pure))
    new = Call(_compiled, lambda kind: kind.__new__(kind), gives=_first)
    for module in {name.module for name in COMPILED}:
        found[Name(module, "newObj")] = new
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter"):
        found[Name("torch._utils", name)] = Call(_anything, None)
    found |= {Name("torch", name): Call(_numbers, None) for name in ("Size", "device")}
    return found


CALLS = _table()
