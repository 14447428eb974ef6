"""The inside of a worker process: perform what comes through the pipe, until nobody asks."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from goalkeeper.compute.executor import Worker
from goalkeeper.compute.slate import Slate
from goalkeeper.compute.threads import VARIABLES

PERIOD = 1.0  # seconds between looks at the parent


def serve(pipe: Connection[Any, Any], slate: str) -> None:
    """Answer jobs with outcomes; end when the pipe closes or the parent dies."""
    Slate(slate).write_here()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's to handle
    sys.stdout = sys.stderr  # standard output is the runner's, too
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    leave_with(os.getppid())
    worker = Worker()
    with suppress(EOFError, KeyboardInterrupt, OSError):
        while True:
            pipe.send(worker.perform(pipe.recv()))


def leave_with(parent: int) -> None:
    """End this process in the middle of its job when nobody is left to read the outcome."""
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(PERIOD)
    os._exit(1)
