"""What jobs of these tests do; workers import it by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from goalkeeper.compute.executor import Job

HERE = "tests.compute.jobs"


def job(id: str, function: str, **params: object) -> Job:
    return Job(id=id, call=f"{HERE}:{function}", params=params)


def doubles(n: int) -> list[Job]:
    return [job(str(i), "double", value=i) for i in range(n)]


def double(value: int) -> str:
    return str(2 * value)


def load(folder: str, name: str) -> str:
    """Load something, and write down which process did."""
    with (Path(folder) / "loaded.txt").open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    return f"loaded {name}"


def answer(shared: str) -> str:
    time.sleep(0.05)
    return shared


def fail(value: int) -> str:
    raise ValueError(f"no {value}")


def leave() -> None:
    sys.exit("enough")


def die_once(marker: str) -> str:
    """Kill this process the first time, and answer the second."""
    path = Path(marker)
    if path.exists():
        return "survived"
    path.write_text("")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def note(folder: str, name: str, seconds: float) -> str:
    """Write down that this was begun, by which process and by whose child; then take some time."""
    above = psutil.Process(os.getppid()).ppid()
    line = f"{name} {os.getpid()} {os.getppid()} {above}\n"
    with (Path(folder) / "begun.txt").open("a") as file:
        file.write(line)
    time.sleep(seconds)
    return name


def fill(mebibytes: int, seconds: float) -> str:
    """Take memory, and keep it for a while."""
    taken = np.ones(mebibytes * 2**17)
    time.sleep(seconds)
    return str(int(taken[-1]))


def process() -> str:
    return str(os.getpid())


def memory() -> str:
    return str(psutil.Process().memory_info().rss)


def threads() -> str:
    """Tell how many threads numerical libraries use here, torch's too where it is loaded."""
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    torch = sys.modules.get("torch")
    own = torch.get_num_threads() if torch else 1
    return str(max([own, *(pool["num_threads"] for pool in threadpool_info())]))
