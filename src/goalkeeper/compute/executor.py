"""Jobs, how they end, and the protocol of what runs them.

A job names an importable function and its arguments; nothing but strings and plain values
crosses a process border, so that a job means the same on any machine. What many jobs need, such as
an application, is named in the same way: each worker loads it once and keeps it.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping, Sequence
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

    The function gets what is `shared`, if anything is, as its first argument.
    """

    id: str
    call: str
    params: Mapping[str, Any] = field(default_factory=dict)
    shared: Shared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended: its value (a string), or what went wrong.

    `error`: it raised. `crashed`: its worker died, twice. `stopped`: it went over a limit.
    """

    id: str
    status: Literal["ok", "error", "crashed", "stopped"]
    value: str = ""
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may take: `seconds` by the clock, `memory` in bytes of its worker.

    `call` are the seconds that one call of the user's code may take; 0 for the defaults.
    """

    seconds: float = UNLIMITED
    memory: float = UNLIMITED
    call: float = 0.0

    @property
    def none(self) -> bool:
        """Tell whether a job may take whatever it wants."""
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
        alone = (self.slots == 1 or jobs < 2) and not self.apart
        return "inline" if alone and self.limits.none else "local"


class Executor(Protocol):
    """Runs jobs in any order; never raises for a job."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, as they end."""
        ...


class Worker:
    """Performs jobs one after the other, and keeps what the last one shared for the next."""

    def __init__(self) -> None:
        self._shared: Shared | None = None
        self._value: Any = None

    def perform(self, job: Job) -> Outcome:
        """Run one job in this process, with one thread: more would change last digits."""
        start = time.perf_counter()
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
