"""Standard streams of a process that runs the user's code: results alone reach standard output."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import suppress


class _Results(io.TextIOWrapper):
    """Standard output of the main thread; what other threads print goes to standard error."""

    def write(self, text: str, /) -> int:
        if threading.current_thread() is threading.main_thread():
            return super().write(text)
        return sys.stderr.write(text)


def set_apart() -> None:
    """Keep standard output for results: the user's code, in C too, prints to standard error.

    Nobody answers questions on standard input, so that it is empty.
    """
    if sys.stdout is not None:  # it is None where a shell closed it
        encoding, errors, tty = sys.stdout.encoding, sys.stdout.errors, sys.stdout.isatty()
        own = open(os.dup(1), "wb", buffering=0)  # noqa: SIM115 - open to the end
        sys.stdout = _Results(
            io.BufferedWriter(own), encoding=encoding, errors=errors, line_buffering=tty
        )
    if sys.stderr is not None:
        with suppress(OSError):
            os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)


def reopen_stderr() -> None:
    """Open standard error again if the user's code has closed it."""
    if sys.stderr is not None and sys.stderr.closed:
        with suppress(OSError):
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115, PTH123 - open to the end


def flush() -> None:
    """Write what is left in buffers; nobody may be reading any more."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
