"""What of the user's code a process is running, where another process can read it.

A process that crashes, exits or hangs inside the user's code cannot report it. It therefore notes
what it enters in memory that it shares with the process that watches it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

SIZE = 1024  # bytes: head and text
# Entries so far, kind, flags, exit code, inputs, limits, when it is to be ended, text.
_HEAD = struct.Struct("<QBBBIdddH")


class Activity(IntEnum):
    """What the user's code does; 0 stands for none of it."""

    IMPORT = 1
    DATA = 2
    BUILD = 3
    TRAINING = 4
    ANSWER = 5


class Flag(IntEnum):
    """Facts about the whole process, each a bit."""

    DONE = 1  # the process ended on its own terms; its exit code is noted
    INTERRUPTED = 2  # a signal has reached it
    RESULTS = 4  # attack runs have begun: what is finished is kept
    FORKED = 8  # the user's code left a copy of the process behind, which was ended


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in the user's code: what runs (`model.build filter.py:build`), and on how much."""

    work: Activity
    what: str
    inputs: int = 0


class Noticeboard:
    """The innermost entry of a process, in memory that another process may share.

    Parameters
    ----------
    memory
        At least 1024 bytes. Without any, nobody else can read what is noted.
    """

    def __init__(self, memory: memoryview | bytearray | None = None) -> None:
        self._memory = memoryview(bytearray(SIZE) if memory is None else memory)
        self.shared = memory is not None

    def share(self, memory: memoryview) -> None:
        """Note everything in this memory from now on."""
        memory[:SIZE] = bytes(SIZE)
        self._memory, self.shared = memory, True

    # ---- the process that is watched ------------------------------------------------------------

    def enter(self, entry: Visit) -> bytes:
        """Note an entry; returns what to `leave` with."""
        before = bytes(self._memory[: _HEAD.size + self._text_length])
        text = entry.what.encode("utf-8", "replace")[: SIZE - _HEAD.size]
        count, _, flags, code, _, *limits, _ = _HEAD.unpack_from(self._memory)
        self._write((count + 1, entry.work, flags, code, entry.inputs, *limits, len(text)), text)
        return before

    def leave(self, before: bytes) -> None:
        """Return to the entry around the present one."""
        count, _, flags, code, _, *limits, _ = _HEAD.unpack_from(self._memory)
        _, work, _, _, inputs, *_, length = _HEAD.unpack_from(before)
        text = before[_HEAD.size :]
        self._write((count + 1, work, flags, code, inputs, *limits, length), text)

    def raise_flag(self, flag: Flag) -> None:
        """Note a fact."""
        self._change(flags=self._head[2] | flag)

    def end(self, code: int) -> None:
        """Note that the process ends by itself with this exit code."""
        self._change(code=code, flags=self._head[2] | Flag.DONE)

    def limit(self, seconds: float, memory: float) -> None:
        """Note the limits that the user chose for each entry and for the whole; 0 for none."""
        self._change(seconds=seconds, memory=memory)

    def expire(self, until: float) -> None:
        """Note when the process is to be ended, by the monotonic clock; 0: never."""
        self._change(until=until)

    # ---- the process that watches ---------------------------------------------------------------

    def read(self) -> tuple[int, Visit | None]:
        """Return the number of entries and leaves so far, and the entry if there is one."""
        memory = bytes(self._memory[:SIZE])
        while memory[: _HEAD.size] != self._memory[: _HEAD.size]:  # written to meanwhile
            memory = bytes(self._memory[:SIZE])
        count, work, _, _, inputs, *_, length = _HEAD.unpack_from(memory)
        if work not in tuple(Activity):
            return count, None
        text = memory[_HEAD.size : _HEAD.size + length].decode("utf-8", "replace")
        return count, Visit(Activity(work), text, inputs)

    def has(self, flag: Flag) -> bool:
        """Return whether a fact is noted."""
        return bool(self._head[2] & flag)

    @property
    def exit_code(self) -> int:
        """The noted exit code."""
        return int(self._head[3])

    @property
    def limits(self) -> tuple[float, float]:
        """The noted limits: seconds of an entry, and bytes of the whole; 0 for the defaults."""
        return float(self._head[5]), float(self._head[6])

    @property
    def until(self) -> float:
        """When the process is to be ended, by the monotonic clock; 0: never."""
        return float(self._head[7])

    # ---- layout ---------------------------------------------------------------------------------

    @property
    def _head(self) -> tuple[int, int, int, int, int, float, float, float, int]:
        return _HEAD.unpack_from(self._memory)

    @property
    def _text_length(self) -> int:
        return self._head[8]

    def _write(self, head: tuple[float, ...], text: bytes) -> None:
        self._memory[_HEAD.size : _HEAD.size + len(text)] = text
        _HEAD.pack_into(self._memory, 0, *head)

    def _change(
        self,
        *,
        flags: int | None = None,
        code: int | None = None,
        seconds: float | None = None,
        memory: float | None = None,
        until: float | None = None,
    ) -> None:
        old = self._head
        _HEAD.pack_into(
            self._memory,
            0,
            *old[:2],
            old[2] if flags is None else flags,
            old[3] if code is None else code,
            old[4],
            old[5] if seconds is None else seconds,
            old[6] if memory is None else memory,
            old[7] if until is None else until,
            old[8],
        )


BOARD = Noticeboard()  # of this process: a process does one thing at a time
