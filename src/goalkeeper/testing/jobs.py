"""What jobs of the executors' checks do; workers import it by name."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

HERE = __name__


def double(value: int) -> str:
    """Return twice a number."""
    return str(2 * value)


def fail(value: int) -> str:
    """Raise an error that names a number."""
    raise ValueError(f"no {value}")


def leave() -> None:
    """Try to end the process, as a user's code may."""
    sys.exit("enough")


def die() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str) -> str:
    """Kill this process the first time, and answer the second."""
    path = Path(marker)
    if path.exists():
        return "survived"
    path.write_text("")
    die()
    return "never"


def process() -> str:
    """Return the number of this process."""
    return str(os.getpid())


def linger(folder: str, seconds: float) -> str:
    """Write down the number of this process, then take some time."""
    (Path(folder) / str(os.getpid())).touch()
    threading.Event().wait(seconds)
    return str(os.getpid())


def threads() -> str:
    """Count the threads that numerical libraries use here, torch's too where it is loaded."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    torch = sys.modules.get("torch")
    torch_threads = torch.get_num_threads() if torch else 1
    return str(max([torch_threads, *(pool["num_threads"] for pool in threadpool_info())]))
