"""Recognise ONNX models by the wire format of protocol buffers, without the onnx package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath

from goalkeeper.opening.found import Found

# Field numbers of onnx.proto.
_MODEL = {"ir_version": 1, "graph": 7, "opset_import": 8, "functions": 25}
_GRAPH = {"node": 1, "initializer": 5}
_EXTERNAL = 13  # TensorProto.external_data
_MODEL_FIELDS = frozenset((*range(1, 9), 14, 20, 25, 26))
_DOMAINS = frozenset(
    ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft")
)
_MOST_FIELDS = 1_000_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def onnx_model(content: bytes, found: Found) -> str:
    """Return `ONNX` if the whole file is such a model, and note what it takes from elsewhere."""
    try:
        fields = list(_fields(content))
    except ValueError:
        return ""
    numbers = {number for number, _ in fields}
    if not {1, 7} <= numbers or not numbers <= _MODEL_FIELDS:
        return ""
    for number, value in fields:
        if number == _MODEL["opset_import"] and isinstance(value, bytes):
            _domain(value, found)
        if number == _MODEL["graph"] and isinstance(value, bytes):
            _graph(value, found)
    return "ONNX"


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield field numbers and values of a message; raises ValueError for anything else."""
    place = count = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        count += 1
        if number == 0 or count > _MOST_FIELDS:
            raise ValueError("no such field")
        value: int | bytes
        if kind == _VARINT:
            value, place = _varint(content, place)
        elif kind in (_FIXED64, _FIXED32, _BYTES):
            size = 8 if kind == _FIXED64 else 4
            if kind == _BYTES:
                size, place = _varint(content, place)
            if place + size > len(content):
                raise ValueError("cut off")
            value, place = content[place : place + size], place + size
        else:
            raise ValueError("no such field")
        yield number, value


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(content) and shift < 70:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("cut off")


def _domain(operators: bytes, found: Found) -> None:
    domain = next((v for n, v in _quiet(operators) if n == 1 and isinstance(v, bytes)), b"")
    name = domain.decode("utf-8", "replace")
    if name not in _DOMAINS:
        found.note(f"the ONNX model needs operators of the domain {name}, which a library brings")


def _graph(graph: bytes, found: Found) -> None:
    for number, value in _quiet(graph):
        if number == _GRAPH["initializer"] and isinstance(value, bytes):
            for part, entry in _quiet(value):
                if part == _EXTERNAL and isinstance(entry, bytes):
                    _external(entry, found)


def _external(entry: bytes, found: Found) -> None:
    """Look at where numbers lie that are not in the file itself."""
    pair = dict(_quiet(entry))
    if pair.get(1) != b"location":
        return
    raw = pair.get(2, b"")
    place = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    parts = (*PurePosixPath(place).parts, *PureWindowsPath(place).parts)
    if PurePosixPath(place).is_absolute() or PureWindowsPath(place).drive or ".." in parts:
        found.problem(f"the ONNX model reads the file {place[:80]}, outside its folder")


def _quiet(message: bytes) -> list[tuple[int, int | bytes]]:
    try:
        return list(_fields(message))
    except ValueError:
        return []
