"""Run jobs on the workers of a Dask cluster, here or on other machines."""

from __future__ import annotations

import multiprocessing as mp
import threading
import uuid
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from goalkeeper.compute import versions
from goalkeeper.compute.executor import Job, Limits, Outcome
from goalkeeper.compute.local import deaf, forked, preloaded
from goalkeeper.compute.serve import serve
from goalkeeper.compute.team import Process, Team
from goalkeeper.core.errors import ExecutorError, MissingExtra

PATIENCE = 30  # seconds to wait for a scheduler, and for a worker
LOOK = 5  # seconds between looks at whether there are workers
TLS = "tls://"
SETTINGS = "distributed.comm.tls"  # of Dask's configuration
CERTIFICATES = ("ca-file", "client.cert")  # what is needed there
LOST = "the Dask {} lost; start the cluster again. What was finished is kept"


class DaskExecutor:
    """The workers of a Dask cluster: one that runs already, or one of `slots` local workers.

    Each task performs its job in a process of its own beside the Dask worker, so that a job may
    die or be ended without the worker. A lost worker's jobs go to the others.

    Parameters
    ----------
    scheduler
        Address of a running scheduler; empty to start a cluster on this machine. With `tls://`,
        certificates are taken from Dask's own configuration, `distributed.comm.tls`.
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

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield an outcome for every job, as they end.

        Raises
        ------
        ExecutorError
            There is no scheduler or no worker, they are lost, a worker computes with other
            versions, or there are no certificates for an address with `tls://`.
        """
        run, digest = uuid.uuid4().hex, versions.digest()
        order = Order(run=run, digest=digest, limits=self._limits, preload=self._preload)
        with self._client() as client:
            futures = {client.submit(supervised, job, order, pure=False): job for job in jobs}
            try:
                while futures:
                    for future in _ended(client, futures):
                        outcome = _outcome(future, futures[future])
                        if outcome is not None:
                            del futures[future]
                            yield outcome
            finally:
                with suppress(OSError):  # nobody is there any more: nothing is left to be ended
                    client.cancel(list(futures))
                    client.run(dismiss, run, on_error="ignore")

    @contextmanager
    def _client(self) -> Iterator[Any]:
        from distributed import Client

        with ExitStack() as stack:
            address = self.scheduler or stack.enter_context(cluster(self.slots))
            security = _certificates(address) if address.startswith(TLS) else None
            try:
                client = stack.enter_context(
                    Client(address, security=security, timeout=PATIENCE, set_as_default=False)
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


def warn_unauthenticated(scheduler: str) -> None:
    """Warn that whoever reaches a scheduler without TLS can run code on its workers."""
    if scheduler and not scheduler.startswith(TLS):
        warnings.warn(
            f"the connection to the Dask scheduler at {scheduler} is neither authenticated nor "
            "encrypted: whoever reaches it can run code on its workers; use a tls:// address",
            stacklevel=3,
        )


def _certificates(address: str) -> Any:
    """Return what Dask's own configuration says of TLS; raises ExecutorError if that is too little.

    Without it, Dask tries an address with TLS in vain until the time for connecting is over.
    """
    import dask.config
    from distributed.security import Security

    missing = [name for name in CERTIFICATES if not dask.config.get(f"{SETTINGS}.{name}", None)]
    if missing:
        raise ExecutorError(
            f"{address} needs certificates, and Dask's configuration names none: set "
            + " and ".join(f"{SETTINGS}.{name} ({_variable(name)})" for name in missing)
            + f", and {SETTINGS}.client.key unless the key is in the file of the certificate"
        )
    security = Security()
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:  # no such file; ssl's own errors are OSErrors
        raise ExecutorError(
            f"the certificates for {address} that Dask's configuration names in {SETTINGS} cannot "
            f"be read: {error}"
        ) from error
    return security


def _variable(name: str) -> str:
    """Name the environment variable of a setting: Dask's rule."""
    return "DASK_" + f"{SETTINGS}.{name}".replace(".", "__").replace("-", "_").upper()


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


def _ended(client: Any, futures: Iterable[Any]) -> list[Any]:
    """Wait for futures that end; raises ExecutorError where nobody is left to compute them."""
    from distributed import CancelledError, wait

    try:
        with client.as_current():
            return list(wait(list(futures), timeout=LOOK, return_when="FIRST_COMPLETED").done)
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


def _outcome(future: Any, job: Job) -> Outcome | None:
    """Fetch an outcome; None where the worker that held it was lost, and it is computed again."""
    from distributed import CancelledError

    try:
        outcome: Outcome = future.result(timeout=LOOK)
    except ExecutorError:
        raise
    except CancelledError as error:
        raise ExecutorError(LOST.format("scheduler was")) from error
    except Exception as error:  # noqa: BLE001 - a job that cannot be run is an outcome
        if isinstance(error, TimeoutError) and future.status != "error":
            return None
        return Outcome(id=job.id, status="crashed", error=f"{type(error).__name__}: {error}")
    return outcome


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
    def team(self, order: Order) -> Iterator[Team]:
        """Give a team that nobody else uses meanwhile; raises ExecutorError after the run."""
        run = order.run
        with self._lock:
            if run in self._over:
                raise ExecutorError("the run has ended")
            team = self._idle[run].pop() if self._idle[run] else Team(1, _start, order.limits)
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


def supervised(job: Job, order: Order) -> Outcome:
    """Perform a job in a process beside this one, which stays for the next job of the run."""
    from distributed import get_worker

    if versions.digest() != order.digest:
        raise ExecutorError(
            "a Dask worker has another goalkeeper, Python or library version than this process; "
            "install the same on every machine, and start the workers again"
        )
    preloaded(order.preload)
    with crew(get_worker()).team(order) as team:
        return next(team.run([job]))


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
