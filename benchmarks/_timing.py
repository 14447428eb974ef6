"""Time methods in turns: a noisy machine then disturbs all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np


def timed(
    methods: dict[str, Callable[[], Any]], rounds: int, clock: str = "process"
) -> dict[str, float]:
    """Run all methods round by round; return the median seconds of each.

    `clock` is `process` (CPU seconds of this process) or `wall`.
    """
    read = time.process_time if clock == "process" else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, run in methods.items():
            start = read()
            run()
            seconds[name].append(read() - start)
    return {name: float(np.median(taken)) for name, taken in seconds.items()}
