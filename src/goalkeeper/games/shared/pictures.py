"""Small pictures of images before and after a change, and of the difference, as PNG."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.evidence import Picture

MAX_SIDE = 48  # pixels; larger images are shrunk by averaging, as a report holds many
FACTORS = (1, 2, 5, 10, 20, 50, 100)  # by which a difference may be amplified
_BLOCK = 65_535  # bytes; the most that a stored block of zlib holds


def draw_change(before: Inputs, after: Inputs, domain: ImageDomain) -> Picture:
    """Draw an image `(channels, height, width)` before and after a change, and the difference.

    The difference is amplified by the largest of `FACTORS` at which no value is clipped; its
    middle grey means no change.
    """
    first, second = (_shrink(_in_unit_range(x, domain)) for x in (before, after))
    change = second - first
    largest = float(np.abs(change).max(initial=0.0))
    factor = max((f for f in FACTORS if f * largest <= 1 + 1e-9), default=1)
    shown = (0.5 + 0.5 * factor * change).clip(0, 1)
    return Picture(
        before=_encode(first), after=_encode(second), difference=_encode(shown), factor=factor
    )


def _in_unit_range(image: Inputs, domain: ImageDomain) -> Floats:
    """Return an image with values in [0, 1], colours last: grey `(h, w, 1)`, or RGB."""
    values = np.asarray(image, np.float64).reshape(domain.shape)
    scaled = ((values - domain.low) / (domain.high - domain.low)).clip(0, 1)
    if len(scaled) not in (1, 3):  # no colours that can be shown
        scaled = scaled.mean(axis=0, keepdims=True)
    return np.asarray(np.moveaxis(scaled, 0, 2))


def _shrink(image: Floats) -> Floats:
    """Average squares of pixels so that no side is longer than `MAX_SIDE`."""
    height, width, colours = image.shape
    step = -(-max(height, width) // MAX_SIDE)
    if step == 1:
        return image
    pad = ((0, -height % step), (0, -width % step), (0, 0))
    whole = np.pad(image, pad, mode="edge")
    rows, columns = whole.shape[0] // step, whole.shape[1] // step
    return np.asarray(whole.reshape(rows, step, columns, step, colours).mean(axis=(1, 3)))


def _encode(image: Floats) -> str:
    """Encode an image `(h, w, 1 or 3)` as PNG in base64: the same bytes on every machine.

    Pixels are stored, not compressed: the output of a compressor differs between its versions.
    """
    height, width, colours = image.shape
    pixels = np.round(image * 255).astype(np.uint8).reshape(height, width * colours)
    raw = b"".join(b"\x00" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if colours == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _store(raw)), (b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*c) for c in chunks)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def _store(raw: bytes) -> bytes:
    """Wrap bytes as a zlib stream of stored blocks (RFC 1950, RFC 1951 3.2.4)."""
    blocks = [raw[i : i + _BLOCK] for i in range(0, len(raw), _BLOCK)]
    parts = [
        struct.pack("<BHH", i == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for i, block in enumerate(blocks)
    ]
    return b"\x78\x01" + b"".join(parts) + struct.pack(">I", zlib.adler32(raw))
