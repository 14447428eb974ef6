"""Unpack compressed files, within limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import IO

from goalkeeper.opening.found import Found
from goalkeeper.opening.limits import Allowance, Refused, Unreadable

_STARTS = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x78\x01", "zlib"),
    (b"\x78\x5e", "zlib"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\xda", "zlib"),
    (b"\x04\x22M\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_STEP = 1 << 20  # bytes unpacked at a time
ERRORS = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError, Unreadable)


def kind_of(content: bytes) -> str:
    """Name how a file is compressed by its first bytes; empty if it is not."""
    return next((kind for start, kind in _STARTS if content.startswith(start)), "")


def unpack(kind: str, content: bytes, found: Found) -> bytes | None:
    """Unpack a file; None where it cannot be, which is noted."""
    try:
        return unpacked(kind, content, found.limits)
    except Refused as error:
        found.problem(str(error))
    except ERRORS as error:
        found.unread(f"the {kind} file cannot be unpacked ({str(error)[:80]})")
    return None


def unpacked(kind: str, content: bytes, limits: Allowance) -> bytes:
    """Unpack a file; raises one of ERRORS where it is damaged, Refused where it is too large."""
    if kind == "zlib":
        return _inflated(content, limits)
    if kind in ("lz4", "zstd"):
        raise Unreadable(f"{kind} cannot be unpacked here")
    raw = io.BytesIO(content)
    with _opened(kind, raw) as stream:
        return read_limited(stream, limits)


def _opened(kind: str, raw: io.BytesIO) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=raw)
    return bz2.BZ2File(raw) if kind == "bz2" else lzma.LZMAFile(raw)


def _inflated(content: bytes, limits: Allowance) -> bytes:
    unpacker = zlib.decompressobj()
    parts, rest = [], content
    while not unpacker.eof:
        part = unpacker.decompress(rest, _STEP)
        limits.unpack(len(part))
        parts.append(part)
        rest = unpacker.unconsumed_tail
        if not part and not rest:
            raise Unreadable("it is cut off")
    if unpacker.unused_data:
        raise Unreadable(f"{len(unpacker.unused_data):,} bytes follow it")
    return b"".join(parts)


def read_limited(stream: IO[bytes] | io.BufferedIOBase, limits: Allowance) -> bytes:
    """Read a compressed stream, as far as the limits allow; raises Refused beyond."""
    parts = []
    while part := stream.read(_STEP):
        limits.unpack(len(part))
        parts.append(part)
    return b"".join(parts)
