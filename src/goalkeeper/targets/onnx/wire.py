"""Recognise an ONNX file by the fields of its outermost message, without reading it whole.

Source: the protocol buffer encoding, and `onnx.proto3` (message ModelProto).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

VARINT, BYTES = 0, 2  # wire types
FIELDS = {1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES}
FIELDS |= {14: BYTES, 20: BYTES, 25: BYTES, 26: BYTES}
IR_VERSION, GRAPH = 1, 7
LAST_VERSION = 100  # of the format; the present one is 13
MANY = 10_000  # fields: custom functions and metadata come one a field


def is_onnx(path: Path) -> bool:
    """Tell whether a file holds an ONNX model; one that was cut short within its graph counts."""
    with path.open("rb") as stream:
        return _is_model(stream, path.stat().st_size)


def is_onnx_content(content: bytes) -> bool:
    """Tell whether these bytes are an ONNX model, as `is_onnx` does."""
    return _is_model(io.BytesIO(content), len(content))


def _is_model(stream: BinaryIO, size: int) -> bool:
    seen: set[int] = set()
    for _ in range(MANY):
        if stream.tell() == size:
            return {IR_VERSION, GRAPH} <= seen
        key = _varint(stream)
        if key is None or FIELDS.get(key >> 3) != key & 7:
            return False
        value = _varint(stream)
        if value is None or (key >> 3 == IR_VERSION and not 1 <= value <= LAST_VERSION):
            return False
        seen.add(key >> 3)
        if key & 7 == BYTES:
            if stream.tell() + value > size:
                return {IR_VERSION, GRAPH} <= seen
            stream.seek(value, io.SEEK_CUR)
    return False


def _varint(stream: BinaryIO) -> int | None:
    """Read a number of 7 bits a byte; None where there is none."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    return None
