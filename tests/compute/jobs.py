"""What jobs of these tests do; workers import it by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import psutil

from goalkeeper.compute.executor import Job
from goalkeeper.testing.jobs import double, fail, linger, process, threads

__all__ = [
    "answer",
    "double",
    "doubles",
    "fail",
    "fill",
    "job",
    "linger",
    "load",
    "memory",
    "note",
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


def fill(mebibytes: int, seconds: float) -> str:
    """Take memory, and keep it for a while."""
    taken = np.ones(mebibytes * 2**17)
    time.sleep(seconds)
    return str(int(taken[-1]))


def memory() -> str:
    return str(psutil.Process().memory_info().rss)
