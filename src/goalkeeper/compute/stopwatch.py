"""What work takes, and which of several ways to do the same is the fastest on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")

ROUNDS = 3
CLEAR = 0.9  # another way must take less than this share of the first one's time


def with_cpu_seconds(work: Callable[[], Value]) -> tuple[Value, float]:
    """Return what work returns, and the CPU seconds that this process took, all threads together.

    Unlike the time by the clock, they do not depend on what else the machine computes.
    """
    start = time.process_time()
    return work(), time.process_time() - start


def fastest(ways: Mapping[str, Callable[[], object]], *, here: bool = False) -> str:
    """Run all ways in turns; return the name of the first, or of one that is clearly faster.

    Each is run once unmeasured, to warm up; what disturbs a machine only ever makes it slower, so
    the least time counts. Work that computes in this process alone (`here`) is measured in CPU
    seconds, so that a busy machine chooses like an idle one; a GPU works elsewhere.
    """
    clock = time.process_time if here else time.perf_counter
    names = list(ways)
    if len(names) == 1:
        return names[0]
    least = dict.fromkeys(names, float("inf"))
    for turn in range(ROUNDS + 1):
        for name in names:
            start = clock()
            ways[name]()
            if turn:
                least[name] = min(least[name], clock() - start)
    best = min(names, key=least.__getitem__)
    return best if least[best] < CLEAR * least[names[0]] else names[0]
