"""Run jobs in worker processes of this machine."""

from __future__ import annotations

import multiprocessing as mp
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from goalkeeper.compute.executor import Job, Limits, Outcome
from goalkeeper.compute.serve import serve
from goalkeeper.compute.team import Process, Team


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
        self._context = mp.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        with deaf():
            forkserver.ensure_running()

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, as they end."""
        with closing(Team(self.slots, self._start, self._limits)) as team:
            yield from team.run(jobs)

    def _start(self, pipe: Connection[Any, Any]) -> Process:
        process = self._context.Process(target=serve, args=(pipe,), daemon=False)
        process.start()
        return process


@contextmanager
def deaf() -> Iterator[None]:
    """Let processes that start meanwhile not hear Ctrl-C: the runner ends them."""
    resource_tracker.ensure_running()  # it changes the mask when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
