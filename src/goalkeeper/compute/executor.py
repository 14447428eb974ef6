"""Jobs, how they end, and the protocol of what runs them.

A job names an importable function and its arguments; nothing but strings and plain values
crosses a process border, so that a job means the same on any machine. What many jobs need, such as
an application, is named in the same way: each worker loads it once and keeps it.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

from goalkeeper.compute.threads import one_thread
from goalkeeper.core.usercode import passes, trace

__all__ = [
    "UNLIMITED",
    "Execution",
    "Executor",
    "Job",
    "Limits",
    "Outcome",
    "Shared",
    "Worker",
]

UNLIMITED = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What many jobs need and a worker loads once.

    Parameters
    ----------
    call, params
        `module:function` that loads it, and its keyword arguments, plain values.
    value
        The thing itself where this process has it already; it stays in this process.
    """

    call: str
    params: Mapping[str, Any] = field(default_factory=dict)
    value: Any = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the value behind: another process loads its own."""
        return partial(Shared, call=self.call, params=self.params), ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A unit of work: `call` is `module:function`, `params` plain keyword arguments.

    The function gets what is `shared`, if anything is, as its first argument. Jobs of one `group`
    use the same things in a worker's memory; a worker that is free prefers the group it had.
    """

    id: str
    call: str
    params: Mapping[str, Any] = field(default_factory=dict)
    shared: Shared | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended: its value (a string), or what went wrong.

    `error`: it raised. `crashed`: its worker died, twice. `stopped`: it went over a limit; it is
    `limited` if this was the time of the whole run, so that it says nothing of the job itself.
    """

    id: str
    status: Literal["ok", "error", "crashed", "stopped"]
    value: str = ""
    error: str = ""
    seconds: float = 0.0
    limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may take: `seconds` by the clock, `memory` in bytes of its worker.

    `call` are the seconds that one call of the user's code may take; 0 for the defaults. `until` is
    the time (seconds since the epoch) at which every job is ended: a job that can end itself in an
    orderly way should be given an earlier time.
    """

    seconds: float = UNLIMITED
    memory: float = UNLIMITED
    call: float = 0.0
    until: float = UNLIMITED

    @property
    def none(self) -> bool:
        """Tell whether a job may take whatever it wants until the run's time is over."""
        return self.seconds == self.memory == UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How jobs are run; what they find does not depend on it.

    Parameters
    ----------
    executor
        Its name; empty for the one that fits.
    jobs
        Number of workers; 0 for one a core.
    scheduler
        Address of a Dask scheduler; empty for none.
    limits
        What one job may take.
    preload
        Modules that workers start with.
    apart
        Whether a single job, too, runs in a process of its own.
    """

    executor: str = ""
    jobs: int = 0
    scheduler: str = ""
    limits: Limits = Limits()
    preload: tuple[str, ...] = ()
    apart: bool = False

    @property
    def slots(self) -> int:
        """The number of workers on this machine."""
        from joblib import cpu_count

        return self.jobs or int(cpu_count())

    @property
    def workers(self) -> int:
        """The number of jobs at a time, as far as it is known here."""
        return 1 if self.executor == "inline" else self.slots

    def name(self, jobs: int) -> str:
        """Name the executor for so many jobs; a limit needs a worker that can be ended."""
        if self.executor or self.scheduler:
            return self.executor or "dask"
        alone = not jobs or ((self.slots == 1 or jobs < 2) and not self.apart)
        return "inline" if alone and self.limits.none else "local"


class Executor(Protocol):
    """Runs jobs in any order; never raises for a job."""

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        """Yield an outcome for every job that was begun, as they end.

        Jobs are a sequence, or an iterator that is asked for its next job only when a worker is
        free, after all earlier outcomes were yielded. None of it says that there is nothing now:
        it is asked again after the next outcome. After `Limits.until` no job is begun, and those
        that run end as stopped.
        """
        ...


class Worker:
    """Performs jobs one after the other, and keeps what the last one shared for the next."""

    def __init__(self) -> None:
        self._shared: Shared | None = None
        self._value: Any = None
        self.group = ""  # of the last job

    def perform(self, job: Job) -> Outcome:
        """Run one job in this process, with one thread: more would change last digits."""
        start, self.group = time.perf_counter(), job.group
        try:
            with one_thread():
                first = () if job.shared is None else (self._loaded(job.shared),)
                value = str(_function(job.call)(*first, **job.params))
        except BaseException as error:  # a unit that fails is an outcome, not the end of the run
            if isinstance(error, KeyboardInterrupt) and passes(error):
                raise
            seconds = time.perf_counter() - start
            return Outcome(id=job.id, status="error", error=trace(error), seconds=seconds)
        return Outcome(id=job.id, status="ok", value=value, seconds=time.perf_counter() - start)

    def _loaded(self, shared: Shared) -> Any:
        if shared.value is not None:
            return shared.value
        if shared != self._shared:
            self._shared, self._value = None, None  # two applications may not fit into memory
            self._value = _function(shared.call)(**shared.params)
            self._shared = shared
        return self._value


def _function(call: str) -> Any:
    module, _, name = call.partition(":")
    return getattr(importlib.import_module(module), name)
