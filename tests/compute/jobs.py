"""What jobs of these tests do; workers import it by name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from goalkeeper.compute.executor import Job
from goalkeeper.testing.jobs import double, fail, linger, process, threads

if TYPE_CHECKING:
    from goalkeeper.compute.store import Store
    from goalkeeper.core.compute_settings import ComputeSettings

__all__ = [
    "answer",
    "double",
    "doubles",
    "fail",
    "fill",
    "job",
    "keep",
    "linger",
    "load",
    "memory",
    "note",
    "open_store",
    "process",
    "threads",
]

HERE = "tests.compute.jobs"


def job(id: str, function: str, **params: object) -> Job:
    return Job(id=id, call=f"{HERE}:{function}", params=params)


def doubles(n: int) -> list[Job]:
    return [job(str(i), "double", value=i) for i in range(n)]


def load(folder: str, name: str) -> str:
    """Load something, and write down which process did."""
    with (Path(folder) / "loaded.txt").open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    return f"loaded {name}"


def answer(shared: str) -> str:
    time.sleep(0.05)
    return shared


def note(folder: str, name: str, seconds: float) -> str:
    """Write down that this was begun, by which process and by whose child; then take some time."""
    above = psutil.Process(os.getppid()).ppid()
    line = f"{name} {os.getpid()} {os.getppid()} {above}\n"
    with (Path(folder) / "begun.txt").open("a") as file:
        file.write(line)
    time.sleep(seconds)
    return name


def open_store(compute: ComputeSettings) -> Store:
    """Open the store of a run, as each of its workers does."""
    from goalkeeper.compute.store import Store  # a worker that needs it not, starts faster

    return Store(Path(compute.store))


def keep(shared: Store, folder: str, name: str, seconds: float) -> str:
    """Take an array from the store, or make and keep it; tell which."""
    note(folder, name, seconds)
    found = shared.get_arrays("squares")
    if found is not None:
        return f"found {int(found['x'].sum())}"
    shared.put_arrays("squares", {"x": np.arange(5) ** 2})
    return "made"


def fill(mebibytes: int, seconds: float) -> str:
    """Take memory, and keep it for a while."""
    taken = np.ones(mebibytes * 2**17)
    time.sleep(seconds)
    return str(int(taken[-1]))


def memory() -> str:
    return str(psutil.Process().memory_info().rss)
