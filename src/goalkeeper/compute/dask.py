"""Run jobs on the workers of a Dask cluster, here or on other machines."""

from __future__ import annotations

import multiprocessing as mp
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from goalkeeper.compute import versions
from goalkeeper.compute.executor import UNLIMITED, Job, Limits, Outcome
from goalkeeper.compute.feed import Feed, out_of_time
from goalkeeper.compute.local import deaf, forked, preloaded
from goalkeeper.compute.serve import serve
from goalkeeper.compute.team import Process, Team
from goalkeeper.core.errors import ExecutorError, MissingExtra

PATIENCE = 30  # seconds to wait for a scheduler, and for a worker
LOOK = 5  # seconds between looks at whether there are workers
LOST = "the Dask {} lost; start the cluster again. What was finished is kept"


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
    preload
        Modules that the processes beside a worker start with, imported once a worker.

    Raises
    ------
    MissingExtra
        Package `distributed` is not installed.
    """

    def __init__(
        self,
        scheduler: str = "",
        *,
        slots: int = 1,
        limits: Limits | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        try:
            import distributed  # noqa: F401 - told before anything is computed
        except ImportError as error:
            raise MissingExtra("distributed", "dask") from error
        self.scheduler, self.slots = scheduler, slots
        self._limits, self._preload = limits or Limits(), tuple(preload)

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        """Yield an outcome for every job that was begun, as they end.

        Raises
        ------
        ExecutorError
            There is no scheduler or no worker, they are lost, or a worker computes with other
            versions.
        """
        run, digest = uuid.uuid4().hex, versions.digest()
        # Another machine's clock may differ: this process ends what runs when time is over.
        limits = replace(self._limits, until=UNLIMITED)
        order = Order(run=run, digest=digest, limits=limits, preload=self._preload)
        feed = Feed(jobs, self._limits.until)
        with self._client() as client:
            desk = _Desk(client, order)
            try:
                while True:
                    desk.hand_out(feed)
                    if feed.over or not desk.futures:
                        break
                    yield from desk.collect(self._limits.until)
                yield from map(out_of_time, desk.futures.values())
                yield from feed.finish()
            finally:
                with suppress(OSError, RuntimeError):  # nobody is there: nothing is to be ended
                    client.cancel(list(desk.futures))
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


class _Desk:
    """Hands out one job for each thread of the cluster, and collects what they end as."""

    def __init__(self, client: Any, order: Order) -> None:
        self._client, self._order = client, order
        self.futures: dict[Any, Job] = {}
        self._vacant: list[tuple[str, str]] = []  # where a job ended, and its group

    def hand_out(self, feed: Feed) -> None:
        """Submit a job for each thread that has none; a cluster may grow meanwhile."""
        free = self._free()
        feed.fill(free)
        vacant = sorted(self._vacant, key=lambda seat: not feed.has(seat[1]))
        self._vacant.clear()
        seats = [*vacant, *[("", "")] * (free - len(vacant))][:free]
        for number, (place, last) in enumerate(seats):
            others = {group for _, group in seats[number + 1 :]}
            taken = feed.take(last, others | {job.group for job in self.futures.values()})
            if taken is None:
                self._vacant += [seat for seat in seats[number:] if seat[0]]
                return
            job, near = taken[0], {}
            if job.group and job.group == last:  # what it needs is in memory there
                near = {"workers": [place], "allow_other_workers": True}
            future = self._client.submit(supervised, job, self._order, pure=False, **near)
            self.futures[future] = job

    def collect(self, until: float) -> Iterator[Outcome]:
        """Wait for jobs that end, for a while, and yield their outcomes."""
        patience = min(float(LOOK), max(0.0, until - time.time()))
        for future in _ended(self._client, self.futures, patience):
            job = self.futures[future]
            found = _outcome(future, job)
            if found is not None:
                del self.futures[future]
                outcome, place = found
                self._vacant.append((place, job.group))
                yield outcome

    def _free(self) -> int:
        try:
            threads = int(sum(self._client.nthreads().values()))
        except (OSError, RuntimeError):  # who waits for what was submitted will see
            threads = 0
        return max(1, threads) - len(self.futures)


def _ended(client: Any, futures: Iterable[Any], patience: float) -> list[Any]:
    """Wait for futures that end; raises ExecutorError where nobody is left to compute them."""
    from distributed import CancelledError, wait

    try:
        with client.as_current():
            return list(wait(list(futures), timeout=patience, return_when="FIRST_COMPLETED").done)
    except TimeoutError:
        _awaited(client)
        return []
    except CancelledError as error:
        raise ExecutorError(LOST.format("scheduler was")) from error


def _awaited(client: Any) -> None:
    """Wait for a worker where all were lost; raises ExecutorError."""
    try:
        if not client.nthreads():
            client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise ExecutorError(LOST.format("workers were")) from error
    except OSError as error:  # the client tries to reach the scheduler again, for a while
        if client.status in ("closing", "closed"):
            raise ExecutorError(LOST.format("scheduler was")) from error


def _outcome(future: Any, job: Job) -> tuple[Outcome, str] | None:
    """Fetch an outcome, and the address of the worker that it is from.

    None where the worker that held it was lost, and it is computed again.
    """
    from distributed import CancelledError

    try:
        found: tuple[Outcome, str] = future.result(timeout=LOOK)
    except ExecutorError:
        raise
    except CancelledError as error:
        raise ExecutorError(LOST.format("scheduler was")) from error
    except Exception as error:  # noqa: BLE001 - a job that cannot be run is an outcome
        if isinstance(error, TimeoutError) and future.status != "error":
            return None
        text = f"{type(error).__name__}: {error}"
        return Outcome(id=job.id, status="crashed", error=text), ""
    return found


# ---- inside a Dask worker ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is the same for every job of a run; `digest` stands for source and versions."""

    run: str
    digest: str
    limits: Limits
    preload: tuple[str, ...]


class Crew:
    """The processes beside one Dask worker: by run, a team for each thread of the worker."""

    def __init__(self) -> None:
        self._idle: dict[str, list[Team]] = defaultdict(list)
        self._busy: dict[str, list[Team]] = defaultdict(list)
        self._over: set[str] = set()  # runs that were dismissed; a task may still be on its way
        self._lock = threading.Lock()

    @contextmanager
    def team(self, order: Order, group: str = "") -> Iterator[Team]:
        """Give a team that nobody else uses meanwhile, if possible one that ran this group.

        Raises
        ------
        ExecutorError
            The run has ended.
        """
        run = order.run
        with self._lock:
            if run in self._over:
                raise ExecutorError("the run has ended")
            idle = sorted(self._idle[run], key=lambda team: group in team.groups)
            team = idle[-1] if idle else Team(1, _start, order.limits)
            if idle:
                self._idle[run].remove(team)
            self._busy[run].append(team)
        try:
            yield team
        finally:
            with self._lock:
                if team in self._busy[run]:
                    self._busy[run].remove(team)
                    self._idle[run].append(team)

    def dismiss(self, run: str) -> None:
        """End the processes of a run, busy or not."""
        with self._lock:
            self._over.add(run)
            teams = [*self._idle.pop(run, []), *self._busy.pop(run, [])]
        for team in teams:
            team.close()


def crew(worker: Any) -> Crew:
    """Return the crew of a Dask worker, kept on the worker: it begins and ends with it."""
    found: Crew = vars(worker).setdefault("goalkeeper_crew", Crew())
    return found


def supervised(job: Job, order: Order) -> tuple[Outcome, str]:
    """Perform a job in a process beside this one, which stays for the next job of the run.

    Returns the outcome, and the address of this Dask worker.
    """
    from distributed import get_worker

    if versions.digest() != order.digest:
        raise ExecutorError(
            "a Dask worker has another goalkeeper, Python or library version than this process; "
            "install the same on every machine, and start the workers again"
        )
    preloaded(order.preload)
    worker = get_worker()
    with crew(worker).team(order, job.group) as team:
        return next(team.run([job])), worker.address


def dismiss(run: str, dask_worker: Any) -> None:
    """End the processes of a run; Dask hands in the worker."""
    crew(dask_worker).dismiss(run)


def _start(pipe: Connection[Any, Any], slate: str) -> Process:
    _may_have_children()
    return forked(pipe, slate, _served, daemon=True)


def _served(pipe: Connection[Any, Any], slate: str) -> None:
    _may_have_children()
    serve(pipe, slate)


def _may_have_children() -> None:
    """Lift what `multiprocessing` refuses to daemons, as Dask workers are: no children."""
    mp.current_process()._config["daemon"] = False  # type: ignore[attr-defined] # noqa: SLF001
