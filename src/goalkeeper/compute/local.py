"""Run jobs in worker processes of this machine."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from goalkeeper.compute.executor import Job, Limits, Outcome
from goalkeeper.compute.serve import serve
from goalkeeper.compute.team import Process, Team

SAFE_PATH = "PYTHONSAFEPATH"


class LocalExecutor:
    """Worker processes on this machine, forked from one that has loaded what all of them need.

    Parameters
    ----------
    slots
        Number of workers, each with one thread.
    limits
        What one job may take.
    preload
        Modules that workers start with, imported once.
    """

    def __init__(
        self, slots: int, *, limits: Limits | None = None, preload: Sequence[str] = ()
    ) -> None:
        self.slots, self._limits = slots, limits or Limits()
        preloaded(preload)

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        """Yield an outcome for every job that was begun, as they end."""
        with closing(Team(self.slots, forked, self._limits)) as team:
            yield from team.run(jobs)


def preloaded(modules: Sequence[str]) -> None:
    """Start the process that workers are forked from, with these modules; once a process.

    Without any, it starts with those that were named before.
    """
    if modules:
        mp.get_context("forkserver").set_forkserver_preload(list(modules))
    with deaf():
        forkserver.ensure_running()


def forked(
    pipe: Connection[Any, Any],
    slate: str,
    target: Callable[[Connection[Any, Any], str], None] = serve,
    *,
    daemon: bool = False,
) -> Process:
    """Start a worker process that serves a pipe and notes on a slate what it does.

    One that is a daemon ends with this process.
    """
    process = mp.get_context("forkserver").Process(target=target, args=(pipe, slate), daemon=daemon)
    process.start()
    return process


@contextmanager
def deaf() -> Iterator[None]:
    """Let processes that start meanwhile not hear Ctrl-C: the runner ends them."""
    with _own_modules():
        resource_tracker.ensure_running()  # it changes the mask when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _own_modules() -> Iterator[None]:
    """Let Python processes that start meanwhile not take modules from the present folder.

    A `random.py` beside the application file would take the place of Python's.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = before or "1"
    try:
        yield
    finally:
        if before is None:  # another thread may have taken it away, or still need it
            os.environ.pop(SAFE_PATH, None)
