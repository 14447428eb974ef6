"""Run units of work: inline, or in worker processes that may die without taking the run along.

A unit names an importable function and its arguments; nothing but strings and plain values
crosses a process border, so that a unit means the same on any machine.
"""

from __future__ import annotations

import importlib
import multiprocessing as mp
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A unit of work: `call` is `module:function`, `params` plain keyword arguments."""

    id: str
    call: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a unit ended: its value (a string), or what went wrong."""

    id: str
    status: Literal["ok", "error", "crashed"]
    value: str = ""
    error: str = ""
    seconds: float = 0.0


class Executor(Protocol):
    """Runs jobs in any order; never raises for a job."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, as they end."""
        ...


def perform(job: Job) -> Outcome:
    """Run one job in this process."""
    start = time.perf_counter()
    try:
        module, _, function = job.call.partition(":")
        value = str(getattr(importlib.import_module(module), function)(**job.params))
    except (Exception, SystemExit):  # noqa: BLE001 - a unit that fails is an outcome, not the end of the run
        seconds = time.perf_counter() - start
        return Outcome(id=job.id, status="error", error=traceback.format_exc(), seconds=seconds)
    return Outcome(id=job.id, status="ok", value=value, seconds=time.perf_counter() - start)


class InlineExecutor:
    """One job after the other in this process: for debugging, and for a single core."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, in order."""
        for job in jobs:
            yield perform(job)


class LocalExecutor:
    """Worker processes on this machine.

    A worker takes one job at a time and keeps what it loaded for the next. A job whose worker
    dies is tried once more in a fresh one (crashes only: an error is an answer).

    Parameters
    ----------
    slots
        Number of workers; each may use cores / slots threads.
    preload
        Modules that workers start with, imported once.
    """

    def __init__(self, slots: int, preload: Sequence[str] = ()) -> None:
        self.slots = slots
        self._context = mp.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        _start_server()

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, as they end."""
        queue = deque((job, 1) for job in jobs)
        threads = max(1, (os.cpu_count() or 1) // max(1, self.slots))
        workers: list[_Worker] = []
        try:
            workers += [_Worker(self._context, threads) for _ in range(min(self.slots, len(jobs)))]
            while queue or any(w.job for w in workers):
                for worker in workers:
                    if worker.job is None and queue:
                        worker.start(*queue.popleft())
                busy = {w.pipe: w for w in workers if w.job}
                for ready in wait(list(busy)):
                    worker = busy[ready]
                    outcome, again = worker.collect()
                    if again is not None:
                        queue.appendleft((again, 2))
                    if outcome is not None:
                        yield outcome
                    if worker.dead:
                        workers[workers.index(worker)] = _Worker(self._context, threads)
        finally:
            for worker in workers:
                worker.end()
            for worker in workers:
                worker.join()


def _start_server() -> None:
    """Start the process that forks workers, deaf to Ctrl-C as they are: the runner ends them."""
    resource_tracker.ensure_running()  # it changes the mask when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, context: Any, threads: int) -> None:
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, threads), daemon=False)
        self._process.start()
        theirs.close()
        self.job: Job | None = None
        self._attempt = 0
        self.dead = False

    def start(self, job: Job, attempt: int) -> None:
        self.job, self._attempt = job, attempt
        with suppress(BrokenPipeError):  # a worker that died is noticed when it is collected
            self.pipe.send(job)

    def collect(self) -> tuple[Outcome | None, Job | None]:
        """Return the outcome of the job, or the job itself if it should be tried again."""
        job, self.job = self.job, None
        assert job is not None  # noqa: S101 - only busy workers are collected
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            self.dead = True
            if self._attempt == 1:
                return None, job
            code = self._process.exitcode
            return Outcome(id=job.id, status="crashed", error=f"worker died twice ({code})"), None
        return outcome, None

    def end(self) -> None:
        self.pipe.close()
        if self.job is not None:
            self._process.terminate()

    def join(self) -> None:
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection[Any, Any], threads: int) -> None:
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's to handle
    sys.stdout = sys.stderr  # standard output is the runner's, too
    os.environ["OMP_NUM_THREADS"] = str(threads)
    with threadpool_limits(limits=threads), suppress(EOFError, KeyboardInterrupt, OSError):
        while True:
            pipe.send(perform(pipe.recv()))
