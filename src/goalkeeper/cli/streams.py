"""Standard streams of a process that runs the user's code: results alone reach standard output."""

from __future__ import annotations

import io
import os
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TextIO

OURS = str(Path(__file__).parents[1])
LIKE = 40  # characters by which two warnings of one line are the same


class _Lasting(io.TextIOWrapper):
    """A stream that the user's code cannot close: what it prints is followed by our own lines."""

    def close(self) -> None:
        """Write what is left, and stay open."""
        self.flush()


class _Results(_Lasting):
    """Standard output of the main thread; what other threads print goes to standard error."""

    def write(self, text: str, /) -> int:
        """Write text `text`; returns the number of characters."""
        if threading.current_thread() is threading.main_thread():
            return super().write(text)
        return sys.stderr.write(text)


def set_apart() -> None:
    """Keep standard output for results: the user's code, in C too, prints to standard error.

    Nobody answers questions on standard input, so that it is empty.
    """
    if sys.stdout is not None:  # it is None where a shell closed it
        sys.stdout = _again(sys.stdout, 1, _Results)
    if sys.stderr is not None:
        sys.stderr = _again(sys.stderr, 2, _Lasting)
        os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def warn_once() -> None:
    """Print a warning of a line of code once: a model that is asked often warns each time.

    Our own are one line without the place in our code, which says nothing to a user. Python itself
    forgets what it has printed wherever filters are changed, as scikit-learn does.
    """
    seen: set[tuple[str, type[Warning], str, int]] = set()
    show = warnings.showwarning

    def show_new(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        key = (str(message)[:LIKE], category, filename, lineno)
        if key not in seen:
            seen.add(key)
            if filename.startswith(OURS):
                print(f"warning: {message}", file=sys.stderr)  # noqa: T201
            else:
                show(message, category, filename, lineno, file, line)

    warnings.showwarning = show_new


def flush() -> None:
    """Write what is left in buffers; nobody may be reading any more."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _again(stream: TextIO, handle: int, kind: type[_Lasting]) -> TextIO:
    """Open the same file again under another number, which the user's code does not know."""
    return kind(
        io.BufferedWriter(io.FileIO(os.dup(handle), "w")),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty() or kind is _Lasting,
    )
