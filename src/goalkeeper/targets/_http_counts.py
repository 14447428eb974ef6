"""Counts of requests in a small file that all processes of a run share.

A request is counted before it is sent, by whoever sends it, under a lock that ends with its
process. That takes microseconds, so that it does not slow down a fast service.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = struct.Struct("<5q")  # requests, inputs, answered, turns, requests in a window
TURN = struct.Struct("<d")


class Counts:
    """Numbers in a file, or in memory, that are read and changed under one lock.

    Parameters
    ----------
    path
        The file; None: in memory, for this process.
    most
        How many planned starts are remembered: the requests of a window.
    """

    def __init__(self, path: Path | None, most: int) -> None:
        self._lock, self._most = threading.Lock(), most
        size = HEAD.size + most * TURN.size
        self._file: int | None = None
        self._map: mmap.mmap | None = None
        self._bytes: bytearray | mmap.mmap = bytearray(size)
        if path is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            with self._held():
                if os.fstat(self._file).st_size < size:
                    os.ftruncate(self._file, size)
            self._map = self._bytes = mmap.mmap(self._file, size)
        with self.changing() as numbers:
            if numbers[4] != most:  # the rate was changed since
                numbers[3:] = [0, most]

    def close(self) -> None:
        """Close the file."""
        if self._map is not None:
            self._map.close()
        if self._file is not None:
            os.close(self._file)

    @contextmanager
    def _held(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def changing(self) -> Iterator[list[int]]:
        """Yield the numbers to change; if that raises, nothing is changed."""
        with self._lock, self._held():
            numbers = list(HEAD.unpack_from(self._bytes))
            yield numbers
            HEAD.pack_into(self._bytes, 0, *numbers)

    def turn(self, numbers: list[int], window: float, now: float) -> float:
        """Plan the start of a request within `changing`; return the seconds until then.

        No window has more requests than it may: a start lies a window after the one that came so
        many requests before it.
        """
        turns = numbers[3]
        latest = self._start(turns - 1) if turns else now
        if latest - now > window * (1 + turns / self._most):
            turns = 0  # times of another start of the machine
        before = self._start(turns) if turns >= self._most else None
        start = now if before is None else max(now, before + window)
        TURN.pack_into(self._bytes, self._place(turns), start)
        numbers[3] = turns + 1
        return start - now

    def _start(self, turn: int) -> float:
        return float(TURN.unpack_from(self._bytes, self._place(turn))[0])

    def _place(self, turn: int) -> int:
        return HEAD.size + turn % self._most * TURN.size
