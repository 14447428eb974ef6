"""What a watched process leaves behind for its watcher: its noticeboard, and where it crashed."""

from __future__ import annotations

import faulthandler
import mmap
import os
import re
import signal
import sysconfig
import tempfile
import time
from pathlib import Path

from goalkeeper.core.noticeboard import BOARD, Noticeboard

START = mmap.PAGESIZE  # where in the file the traces of crashes begin, behind the noticeboard
SHOW = signal.SIGUSR2  # on this signal, a watched process writes down the line that it is in
WAIT = 0.5  # seconds for it to do so
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)
_OURS = str(Path(__file__).parents[1])
_LIBRARIES = (sysconfig.get_path("stdlib"), "site-packages", "dist-packages", "<")


class Slate:
    """A small file that two processes share.

    Parameters
    ----------
    path
        That of another process' slate, which then needs it no longer; empty for a new one.
    """

    def __init__(self, path: str = "") -> None:
        handle, self.path = (os.open(path, os.O_RDWR), path) if path else tempfile.mkstemp()
        if path:
            Path(path).unlink()
        else:
            os.truncate(handle, START)
        self._file = os.fdopen(handle, "r+b", buffering=0)
        self._memory = mmap.mmap(handle, START)
        self.board = Noticeboard(memoryview(self._memory))

    def write_here(self) -> None:
        """Let this process note its entries and its crashes here, until it ends."""
        BOARD.share(memoryview(self._memory))
        self._file.seek(START)
        faulthandler.enable(self._file, all_threads=False)
        faulthandler.register(SHOW, self._file, all_threads=False)

    def crash_place(self, process: int = 0) -> str:
        """Return advice that names the user's line where the process is or was; empty if unknown.

        Parameters
        ----------
        process
            A process that is alive and is asked first.
        """
        if process:
            os.kill(process, SHOW)
            until = time.monotonic() + WAIT
            while not self._frames() and time.monotonic() < until:
                time.sleep(0.01)
        for file, line in self._frames():
            if file.startswith(_OURS):
                break
            if not any(mark in file for mark in _LIBRARIES):
                return f"look at {Path(file).name} line {line}"
        return ""

    def remove(self) -> None:
        """Remove the file, if the other process has not done so; what is open stays readable."""
        Path(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the file, and do without the traces of crashes; the noticeboard stays readable."""
        self.remove()
        self._file.close()

    def _frames(self) -> list[tuple[str, str]]:
        """Read file and line of each frame of the last trace, the innermost first."""
        if self._file.closed:
            return []
        size = os.fstat(self._file.fileno()).st_size - START
        text = os.pread(self._file.fileno(), max(size, 0), START).decode("utf-8", "replace")
        return _FRAME.findall(text.rpartition("(most recent call first)")[2])
