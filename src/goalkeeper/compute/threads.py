"""One thread a process: faster for small work, and the same sums in every process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What libraries read that are loaded later.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch to one thread: two may wait eight times as long for each other, on a busy core."""
    torch = sys.modules["torch"]
    if torch.get_num_threads() == 1:
        yield
        return
    with one_thread():
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries, loaded now or meanwhile, to one thread."""
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in VARIABLES}
    torch = sys.modules.get("torch")  # loaded by those who need it, never here
    threads = torch.get_num_threads() if torch else 1
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    try:
        with threadpool_limits(limits=1):
            if torch and threads != 1:
                torch.set_num_threads(1)
            yield
    finally:
        if torch and threads != 1:
            torch.set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
