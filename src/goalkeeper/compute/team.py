"""Worker processes that share a queue of jobs, may die, and are ended when they take too much."""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import psutil

from goalkeeper.compute import patience
from goalkeeper.compute.executor import UNLIMITED, Job, Limits, Outcome
from goalkeeper.compute.feed import OVER, Feed, out_of_time
from goalkeeper.compute.slate import Slate

TICK = 0.1  # seconds between looks at what workers take
PATIENCE = 5.0  # seconds that an idle worker gets to end by itself


class Process(Protocol):
    """A process as `multiprocessing` shows it."""

    @property
    def pid(self) -> int | None:
        """Its number."""
        ...

    @property
    def exitcode(self) -> int | None:
        """How it ended; None while it lives."""
        ...

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, for at most so many seconds."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


Start = Callable[["Connection[Any, Any]", str], Process]


class Team:
    """Workers that share a queue.

    A worker takes one job at a time and keeps what it loaded for the next. A job whose worker
    dies is tried once more in a fresh one (crashes only: an error is an answer).

    Parameters
    ----------
    size
        Most workers at a time.
    start
        Starts a process that serves the other end of a pipe, and writes on the slate at a path.
    limits
        What one job may take.
    """

    def __init__(self, size: int, start: Start, limits: Limits) -> None:
        self._size, self._start, self._limits = size, start, limits
        self._workers: list[_Worker] = []
        self._closed = False
        self._late = False

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        """Yield an outcome for every job that was begun, as they end."""
        feed = Feed(jobs, self._limits.until)
        while True:
            self._hand_out(feed)
            if not self._busy():
                yield from feed.finish()
                return
            for worker in self._ready():
                outcome, again = worker.collect(self._limits, again=self._late)
                self._late |= worker.late
                if again is not None:
                    feed.again(again)
                if worker.spent(self._limits):
                    worker.end()
                    self._workers.remove(worker)
                if outcome is not None:
                    yield outcome

    def close(self) -> None:
        """End every worker, busy or not."""
        self._closed = True
        for worker in self._workers:
            worker.leave()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    @property
    def groups(self) -> frozenset[str]:
        """The groups of the jobs that workers run, or ran last."""
        return frozenset(worker.group for worker in self._workers)

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.job is not None]

    def _hand_out(self, feed: Feed) -> None:
        if self._closed:
            raise RuntimeError("the workers have been shut down")
        free = [worker for worker in self._workers if worker.job is None]
        feed.fill(self._size - len(self._busy()))
        for worker in sorted(free, key=lambda worker: not feed.has(worker.group)):
            held = {other.group for other in self._workers if other is not worker}
            taken = feed.take(worker.group, held)
            if taken is None:
                return
            worker.begin(*taken)
        while len(self._workers) < self._size:
            taken = feed.take("", self.groups)
            if taken is None:
                return
            self._workers.append(_Worker(self._start))
            self._workers[-1].begin(*taken)

    def _ready(self) -> list[_Worker]:
        """Wait until a worker has ended its job or has taken too much."""
        busy = self._busy()
        while True:
            answered = wait([w.pipe for w in busy], TICK)
            ready = [
                w for w in busy if w.pipe in answered or w.over(self._limits, again=self._late)
            ]
            if ready:
                return ready


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, start: Start) -> None:
        self.pipe, theirs = mp.Pipe()
        self._slate = Slate()
        self._watch = patience.Watch(self._slate.board)
        self._process = start(theirs, self._slate.path)
        theirs.close()
        self.job: Job | None = None
        self.group = ""  # of the job that it has, or had last
        self._attempt = 0
        self._begun = 0.0
        self._dead = False
        self.late = False  # a call of the user's code took too long here

    def begin(self, job: Job, attempt: int) -> None:
        """Hand a job to the process."""
        self.job, self._attempt, self._begun = job, attempt, time.monotonic()
        self.group = job.group
        with suppress(BrokenPipeError):  # a worker that died is noticed when it is collected
            self.pipe.send(job)

    def over(self, limits: Limits, *, again: bool) -> str:
        """Say which limit the job went over; empty for none.

        `again` says that a call of the user's code took too long before.
        """
        if time.time() >= limits.until:
            return OVER
        if time.monotonic() - self._begun > limits.seconds:
            return (
                f"took longer than the {limits.seconds:g} s that a unit may take; give it more "
                "with --unit-time, or leave the attack out"
            )
        if limits.memory != UNLIMITED and self._memory() > limits.memory:
            return (
                f"took more than the {limits.memory / 2**20:,.0f} MiB of memory that a unit may "
                "take; give it more with --unit-memory, or leave the attack out"
            )
        late = self._watch.late(limits.call, again=again)
        self.late |= bool(late)
        return late and f"{late}; {patience.REMEDY}"

    def collect(self, limits: Limits, *, again: bool) -> tuple[Outcome | None, Job | None]:
        """Return the outcome of the job, or the job itself if it should be tried again."""
        job, self.job = self.job, None
        assert job is not None  # noqa: S101 - only busy workers are collected
        try:
            if self.pipe.poll():
                outcome: Outcome = self.pipe.recv()
                return outcome, None
        except (EOFError, ConnectionResetError):
            self._dead = True
            self._process.join()
            if self._attempt == 1:
                return None, job
            return Outcome(id=job.id, status="crashed", error=self._explain_death()), None
        over, seconds = self.over(limits, again=again), time.monotonic() - self._begun
        if over == OVER:
            self._kill()
            return out_of_time(job, seconds), None
        if self._watch.late(limits.call, again=again):
            place = self._slate.crash_place(self._process.pid or 0)
            over += place and f" ({place})"
        self._kill()
        return Outcome(id=job.id, status="stopped", error=over), None

    def spent(self, limits: Limits) -> bool:
        """Tell whether the next job needs a fresh worker: it must not pay for what is left here."""
        if self._dead or limits.memory == UNLIMITED:
            return self._dead
        return self._memory() > limits.memory / 2

    def leave(self) -> None:
        """Tell the process that nothing more will be asked, and end it if it is busy."""
        if self.job is not None:
            self._kill()
        self.pipe.close()

    def end(self) -> None:
        """Wait for the end of the process, not for long."""
        self.pipe.close()
        self._process.join(timeout=PATIENCE)
        if self._process.exitcode is None:
            self._kill()
        self._slate.close()

    def _explain_death(self) -> str:
        entry, _ = self._watch.look()
        code = self._process.exitcode or 0
        advice = patience.advise_on_end(code, self._slate.crash_place())
        if entry is None:
            return f"its worker died twice (exit code {code})"
        return f"{patience.explain_end(entry, code)}, twice; {advice}"

    def _kill(self) -> None:
        self._dead = True
        for process in reversed(self._family()):
            with suppress(psutil.Error):
                process.kill()
        self._process.kill()
        self._process.join()

    def _memory(self) -> int:
        total = 0
        for process in self._family():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def _family(self) -> list[psutil.Process]:
        """Find the process and those that it started."""
        try:
            parent = psutil.Process(self._process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.Error:
            return []
