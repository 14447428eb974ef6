"""What reading a file may cost, and how it is refused."""

from __future__ import annotations

from typing import Any

STEPS = 10_000_000  # opcodes of one file
UNPACKED = 1 << 30  # bytes that are unpacked from one file
LEAST_ROOM = 1 << 26  # bytes that any file may take in memory
PER_BYTE = 16  # bytes of memory for a byte of the file: honest files take about one
KEY_PARTS = 1000  # values inside a tuple that is the key of a dictionary
KEY_DEEP = 5
KEY_SIZE = 1 << 60  # larger numbers can be made to have the same hash


class Unreadable(Exception):
    """The bytes are not what they should be, or end too early."""


class Refused(Exception):
    """A file asks for something that is not allowed."""


class Allowance:
    """Counts what one file has cost so far; raises Refused where it is too much.

    Parameters
    ----------
    size
        Bytes of the file: its cost must be in proportion.
    """

    def __init__(self, size: int) -> None:
        self._room = max(LEAST_ROOM, PER_BYTE * size)
        self._unpacked = UNPACKED
        self._steps = STEPS

    def step(self) -> None:
        """Count an opcode."""
        self._steps -= 1
        if self._steps < 0:
            raise Refused(f"it has more than {STEPS:,} opcodes")

    def take(self, size: int) -> None:
        """Count bytes that are allocated for a value."""
        self._room -= size
        if self._room < 0:
            raise Refused("it would take far more memory than its size explains")

    def unpack(self, size: int) -> None:
        """Count bytes that were unpacked."""
        self._unpacked -= size
        if self._unpacked < 0:
            raise Refused(f"more than {UNPACKED >> 20} MiB are packed in it")
        self._room += PER_BYTE * size

    @property
    def unpackable(self) -> int:
        """How many bytes may still be unpacked."""
        return self._unpacked


def check_key(key: Any, limits: Allowance, depth: int = 0) -> None:
    """Raise Refused for a key that takes long to hash.

    A tuple of tuples of the same tuple is short in the file, but its hash visits every path; and
    large numbers can be chosen so that all have the same hash.
    """
    if type(key) is str:
        return
    limits.step()
    if depth > KEY_DEEP or (isinstance(key, tuple | frozenset) and len(key) > KEY_PARTS):
        raise Refused("the key of a dictionary is nested too deeply")
    if isinstance(key, tuple | frozenset):
        for part in key:
            check_key(part, limits, depth + 1)
    elif isinstance(key, int | float) and KEY_SIZE < abs(key) < float("inf"):
        raise Refused("the key of a dictionary is a number beyond any in a model")
