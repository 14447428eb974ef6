"""Run jobs on the workers of a Dask cluster, here or on other machines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from goalkeeper.compute import versions
from goalkeeper.compute.executor import Job, Limits, Outcome
from goalkeeper.compute.local import deaf
from goalkeeper.compute.team import Process, Team
from goalkeeper.compute.threads import VARIABLES
from goalkeeper.core.errors import ExecutorError, MissingExtra

PATIENCE = 30  # seconds to wait for a scheduler, and for its first worker
SERVE = "from goalkeeper.compute.serve import main; main()"


class DaskExecutor:
    """The workers of a Dask cluster: one that runs already, or one of `slots` local workers.

    Each task performs its job in a process of its own beside the Dask worker, so that a job may
    die or be ended without the worker. A lost worker's jobs go to the others.

    Parameters
    ----------
    scheduler
        Address of a running scheduler; empty to start a cluster on this machine.
    slots
        Number of workers of a cluster started here.
    limits
        What one job may take.

    Raises
    ------
    MissingExtra
        Package `distributed` is not installed.
    """

    def __init__(
        self, scheduler: str = "", *, slots: int = 1, limits: Limits | None = None
    ) -> None:
        try:
            import distributed  # noqa: F401 - told before anything is computed
        except ImportError as error:
            raise MissingExtra("distributed", "dask") from error
        self.scheduler, self.slots, self._limits = scheduler, slots, limits or Limits()

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, as they end.

        Raises
        ------
        ExecutorError
            There is no scheduler or no worker, the scheduler is lost, or a worker computes with
            other versions.
        """
        from distributed import as_completed

        run, digest = uuid.uuid4().hex, versions.digest()
        with self._client() as client:
            futures = {
                client.submit(supervised, job, self._limits, run, digest, pure=False): job
                for job in jobs
            }
            try:
                for future in as_completed(list(futures), loop=client.loop):
                    yield _outcome(future, futures.pop(future))
            finally:
                client.cancel(list(futures))
                client.run(dismiss, run, on_error="ignore")

    @contextmanager
    def _client(self) -> Iterator[Any]:
        from distributed import Client

        with ExitStack() as stack:
            address = self.scheduler or stack.enter_context(cluster(self.slots))
            try:
                client = stack.enter_context(
                    Client(address, timeout=PATIENCE, set_as_default=False)
                )
            except (OSError, ValueError) as error:
                raise ExecutorError(
                    f"no Dask scheduler answers at {self.scheduler} ({error}); start one with: "
                    "dask scheduler"
                ) from error
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError as error:
                raise ExecutorError(
                    f"the Dask scheduler at {self.scheduler} has no workers; start some with: "
                    f"dask worker {self.scheduler} --nthreads 1"
                ) from error
            yield client


@contextmanager
def cluster(slots: int) -> Iterator[str]:
    """Run a cluster of so many workers on this machine, and give the scheduler's address."""
    from distributed import LocalCluster

    with deaf():
        cluster = LocalCluster(
            n_workers=slots,
            threads_per_worker=1,
            memory_limit=0,  # what a job may take is watched by its team
            dashboard_address="127.0.0.1:0",  # any free port
        )
    with cluster:
        yield cluster.scheduler_address


def _outcome(future: Any, job: Job) -> Outcome:
    from distributed import CancelledError

    try:
        outcome: Outcome = future.result()
    except ExecutorError:
        raise
    except CancelledError as error:
        raise ExecutorError(
            "the Dask scheduler was lost; what was finished is kept: run the same command again"
        ) from error
    except Exception as error:  # noqa: BLE001 - a job that cannot be run is an outcome
        return Outcome(id=job.id, status="crashed", error=f"{type(error).__name__}: {error}")
    return outcome


# ---- inside a Dask worker ------------------------------------------------------------------------

_IDLE: dict[str, list[Team]] = defaultdict(list)  # by run; one team a thread of this worker
_BUSY: dict[str, list[Team]] = defaultdict(list)
_OVER: set[str] = set()  # runs that were dismissed; a task may still be on its way
_LOCK = threading.Lock()


def supervised(job: Job, limits: Limits, run: str, digest: str) -> Outcome:
    """Perform a job in a process beside this one, which stays for the next job of the run."""
    if versions.digest() != digest:
        raise ExecutorError(
            "a Dask worker has another goalkeeper, Python or library version than this process; "
            "install the same on every machine, and start the workers again"
        )
    with _LOCK:
        if run in _OVER:
            raise ExecutorError("the run has ended")
        team = _IDLE[run].pop() if _IDLE[run] else Team(1, _start, limits)
        _BUSY[run].append(team)
    try:
        return next(team.run([job]))
    finally:
        with _LOCK:
            if team in _BUSY[run]:
                _BUSY[run].remove(team)
                _IDLE[run].append(team)


def dismiss(run: str) -> None:
    """End the processes of a run, busy or not."""
    with _LOCK:
        _OVER.add(run)
        teams = [*_IDLE.pop(run, []), *_BUSY.pop(run, [])]
    for team in teams:
        team.close()


class _Started:
    """A process beside a Dask worker, to which `multiprocessing` refuses children."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._popen = subprocess.Popen(  # noqa: S603 - our own module, with a number
            [sys.executable, "-c", SERVE, str(pipe.fileno())],
            pass_fds=[pipe.fileno()],
            env={**os.environ, **dict.fromkeys(VARIABLES, "1"), "PYTHONPATH": path},
        )
        self.pid, self.kill = self._popen.pid, self._popen.kill

    @property
    def exitcode(self) -> int | None:
        return self._popen.poll()

    def join(self, timeout: float | None = None) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)


def _start(pipe: Connection[Any, Any]) -> Process:
    return _Started(pipe)
