"""What every executor owes: an outcome for every job, whatever the job does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from goalkeeper.compute.dask import DaskExecutor
from goalkeeper.compute.executor import Executor, Job, Limits, Shared, Worker
from goalkeeper.compute.inline import InlineExecutor
from goalkeeper.compute.local import LocalExecutor
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.testing import executor_checks
from tests.compute.clusters import separate
from tests.compute.jobs import double, doubles, job

distributed = pytest.importorskip("distributed", reason="the dask extra is not installed")
WORKERS = 2


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A cluster of two workers that runs as long as these tests, as a user's own does."""
    from goalkeeper.compute.dask import cluster

    with cluster(WORKERS) as address:
        list(DaskExecutor(address).run(doubles(2 * WORKERS)))
        yield address


@pytest.fixture(scope="module", autouse=True)
def forking() -> None:
    """Start what workers are forked from, so that no test with a limit waits for its imports."""
    list(LocalExecutor(1).run(doubles(1)))


@pytest.fixture(params=["inline", "local", "dask"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "inline":
        return InlineExecutor()
    if request.param == "local":
        return LocalExecutor(WORKERS)
    return DaskExecutor(request.getfixturevalue("scheduler"))


@pytest.fixture(params=["local", "dask"])
def limited(request: pytest.FixtureRequest) -> Executor:
    """Executors with worker processes, eight seconds and 600 MiB a job."""
    limits = Limits(seconds=8.0, memory=600 * 2**20)
    if request.param == "local":
        return LocalExecutor(WORKERS, limits=limits)
    return DaskExecutor(request.getfixturevalue("scheduler"), limits=limits)


@pytest.fixture(params=["local", "dask"])
def workers(request: pytest.FixtureRequest) -> Executor:
    if request.param == "local":
        return LocalExecutor(WORKERS)
    return DaskExecutor(request.getfixturevalue("scheduler"))


@pytest.fixture(params=["inline", "local", "dask"])
def make_limited(request: pytest.FixtureRequest) -> Callable[[float], Executor]:
    """Make executors whose time is over after some seconds."""
    if request.param == "inline":
        return lambda seconds: InlineExecutor(Limits(until=time.time() + seconds))
    if request.param == "local":
        return lambda seconds: LocalExecutor(WORKERS, limits=Limits(until=time.time() + seconds))
    address = request.getfixturevalue("scheduler")
    return lambda seconds: DaskExecutor(address, limits=Limits(until=time.time() + seconds))


OF_ALL = [check.name for check in executor_checks(InlineExecutor, workers=False)]
OF_WORKERS = [
    check.name for check in executor_checks(lambda: LocalExecutor(1)) if check.name not in OF_ALL
]


def checked(executor: Executor, name: str) -> None:
    (check,) = (check for check in executor_checks(lambda: executor) if check.name == name)
    check()


def test_a_call_that_does_not_exist_is_an_error() -> None:
    assert Worker().perform(Job(id="x", call="goalkeeper.nowhere:nothing")).status == "error"


# ---- what jobs share -----------------------------------------------------------------------------


def sharing(folder: Path, name: str, jobs: int, value: str | None = None) -> list[Job]:
    """Make jobs that share one thing; each answers with it, and takes a moment."""
    params = {"folder": str(folder), "name": name}
    shared = Shared(call="tests.compute.jobs:load", params=params, value=value)
    return [
        Job(id=f"{name}{i}", call="tests.compute.jobs:answer", shared=shared) for i in range(jobs)
    ]


def loads(folder: Path) -> list[list[str]]:
    """List name and process of every load, in order."""
    path = folder / "loaded.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_a_worker_loads_what_jobs_share_once(executor: Executor, tmp_path: Path) -> None:
    outcomes = list(executor.run(sharing(tmp_path, "a", 8)))
    assert {o.value for o in outcomes} == {"loaded a"}
    processes = [process for _, process in loads(tmp_path)]
    assert len(processes) == len(set(processes)), "no process loads it twice"
    assert 1 <= len(processes) <= WORKERS


def test_what_is_loaded_here_stays_here(executor: Executor, tmp_path: Path) -> None:
    """This process uses its own; another one loads its own, and gets nothing of this one's."""
    outcomes = list(executor.run(sharing(tmp_path, "a", 2, value="mine")))
    inline = isinstance(executor, InlineExecutor)
    assert {o.value for o in outcomes} == {"mine" if inline else "loaded a"}
    assert bool(loads(tmp_path)) is not inline


def test_a_worker_keeps_one_thing_at_a_time(tmp_path: Path) -> None:
    jobs = [sharing(tmp_path, name, 1)[0] for name in "aabba"]
    worker = Worker()
    assert [worker.perform(job).value[-1] for job in jobs] == list("aabba")
    assert [name for name, _ in loads(tmp_path)] == ["a", "b", "a"]
    assert worker._value is not None


def test_what_cannot_be_loaded_is_an_error_of_every_job(workers: Executor) -> None:
    shared = Shared(call="tests.compute.jobs:fail", params={"value": 3})
    jobs = [Job(id=i, call="tests.compute.jobs:answer", shared=shared) for i in "ab"]
    assert ["ValueError: no 3" in o.error for o in workers.run(jobs)] == [True, True]


@pytest.mark.parametrize("name", OF_ALL)
def test_contract_of_all(executor: Executor, name: str) -> None:
    checked(executor, name)


@pytest.mark.parametrize("name", OF_WORKERS)
def test_contract_of_workers(workers: Executor, name: str) -> None:
    checked(workers, name)


# ---- jobs that are found on the way, and their end -----------------------------------------------


def test_contract_of_time(make_limited: Callable[[float], Executor]) -> None:
    inline = isinstance(make_limited(0.0), InlineExecutor)
    asked = executor_checks(InlineExecutor, workers=not inline, make_limited=make_limited)
    (check,) = (check for check in asked if check.name == "ends-in-time")
    check()


def test_an_iterator_is_asked_only_when_a_worker_is_free(executor: Executor) -> None:
    """It is never more than a job for each worker ahead of the outcomes that were yielded."""
    asked, ended, ahead = 0, 0, []

    def growing() -> Iterator[Job]:
        nonlocal asked
        for one in doubles(6):
            asked += 1
            ahead.append(asked - ended)
            yield one

    for _ in executor.run(growing()):
        ended += 1
    assert ended == 6
    assert max(ahead) == (1 if isinstance(executor, InlineExecutor) else WORKERS)


def test_an_iterator_that_waits_for_nothing_is_an_error(executor: Executor) -> None:
    def stuck() -> Iterator[Job | None]:
        yield from doubles(1)
        while True:
            yield None

    running = executor.run(stuck())
    assert next(running).value == "0"
    with pytest.raises(RuntimeError, match="no job is running"):
        next(running)


def test_groups_stay_with_their_workers(workers: Executor, tmp_path: Path) -> None:
    places: dict[str, set[str]] = {"a": set(), "b": set()}
    jobs = [
        replace(job(f"{group}{i}", "linger", folder=str(tmp_path), seconds=0.2), group=group)
        for i, group in enumerate("abbaab")
    ]
    for outcome in workers.run(jobs):
        places[outcome.id[0]].add(outcome.value)
    assert [len(found) for found in places.values()] == [1, 1]


def test_torch_has_one_thread_in_a_job_only(executor: Executor) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (outcome,) = executor.run([job("t", "threads")])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert outcome.value == "1"


def test_what_takes_too_much_is_stopped_and_the_rest_goes_on(limited: Executor) -> None:
    slow = job("slow", "fill", mebibytes=1, seconds=60)
    big = job("big", "fill", mebibytes=640, seconds=60)
    begin = time.monotonic()
    outcomes = {o.id: o for o in limited.run([slow, big, *doubles(4)])}
    assert time.monotonic() - begin < 30
    assert outcomes["slow"].status == outcomes["big"].status == "stopped"
    assert "took longer than the 8 s" in outcomes["slow"].error
    assert "--unit-time" in outcomes["slow"].error
    assert "took more than the 600 MiB" in outcomes["big"].error
    assert "--unit-memory" in outcomes["big"].error
    assert [outcomes[str(i)].value for i in range(4)] == [double(i) for i in range(4)]


def test_what_a_job_leaves_in_memory_is_not_laid_to_the_next() -> None:
    """A worker that still holds more than half of the limit makes room for a fresh one."""
    processes = {}
    (held,) = LocalExecutor(1).run([job("m", "memory")])
    for times in (1.5, 10.0):
        limits = Limits(memory=times * int(held.value))
        asked = [job(str(i), "process") for i in range(3)]
        processes[times] = {o.value for o in LocalExecutor(1, limits=limits).run(asked)}
    assert len(processes[1.5]) == 3
    assert len(processes[10.0]) == 1


# ---- workers that die ----------------------------------------------------------------------------


def begun(folder: Path) -> list[list[str]]:
    """List name, process, parent and grandparent of every job that was begun, in order."""
    path = folder / "begun.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def killed_once(folder: Path, column: int, moment: int) -> threading.Thread:
    """Kill the process (1) or one above it (2, 3) of the job that is begun as the `moment`-th."""

    def kill() -> None:
        until = time.monotonic() + 60
        while len(begun(folder)) < moment and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(int(begun(folder)[moment - 1][column]), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.parametrize(("kind", "column"), [("local", 1), ("dask", 1), ("dask", 3)])
def test_a_killed_worker_loses_nothing_and_only_its_job_is_repeated(
    kind: str, column: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Killed is a worker process, or (3) the Dask worker that it belongs to."""
    names = [f"n{i}" for i in range(8)]
    jobs = [job(n, "note", folder=str(tmp_path), name=n, seconds=0.3) for n in names]
    executor: Executor = LocalExecutor(WORKERS)
    if kind == "dask":
        executor = DaskExecutor(request.getfixturevalue("scheduler"))
    killer = killed_once(tmp_path, column, moment=4)
    outcomes = list(executor.run(jobs))
    killer.join()
    assert sorted(o.value for o in outcomes) == names
    result = begun(tmp_path)
    lost = {name for name, *above in result if above[column - 1] == result[3][column]}
    counted = Counter(name for name, *_ in result)
    again = {name for name in names if counted[name] > 1}
    assert again, result
    assert again <= lost, result  # a Dask worker may hold an outcome that nobody has fetched yet
    assert len(result) - len(names) == len(again) <= (1 if column == 1 else 2), result


def test_without_what_they_are_forked_from_workers_are_replaced(
    workers: Executor, tmp_path: Path
) -> None:
    names = [f"n{i}" for i in range(8)]
    jobs = [job(n, "note", folder=str(tmp_path), name=n, seconds=0.6) for n in names]
    killer = killed_once(tmp_path, 2, moment=4)
    outcomes = list(workers.run(jobs))
    killer.join()
    assert sorted(o.value for o in outcomes) == names
    assert len(begun(tmp_path)) <= len(names) + WORKERS


# ---- what workers share beyond a job -------------------------------------------------------------


def test_workers_find_in_the_store_what_another_has_put_there(
    scheduler: str, tmp_path: Path
) -> None:
    """The settings of a run carry the folder of its store to every worker."""
    shared = Shared(
        call="tests.compute.jobs:open_store",
        params={"compute": ComputeSettings(store=str(tmp_path / "store"))},
    )

    def jobs(*names: str) -> list[Job]:
        call = "tests.compute.jobs:keep"
        params = {"folder": str(tmp_path), "seconds": 0.3}
        return [Job(id=n, call=call, params={**params, "name": n}, shared=shared) for n in names]

    (first,) = DaskExecutor(scheduler).run(jobs("first"))
    assert first.value == "made", first.error
    then = list(DaskExecutor(scheduler).run(jobs(*"abcdef")))
    assert {outcome.value for outcome in then} == {"found 30"}
    (maker, *_), *finders = [above[::-1] for _, *above in begun(tmp_path)]
    assert {dask_worker for dask_worker, *_ in finders} - {maker}, "another Dask worker found it"


# ---- clusters that are not there -----------------------------------------------------------------


def test_a_scheduler_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from goalkeeper.compute import dask
    from goalkeeper.core.errors import ExecutorError

    monkeypatch.setattr(dask, "PATIENCE", 1)
    with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(DaskExecutor("tcp://127.0.0.1:9").run(doubles(1)))


def test_a_cluster_without_workers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from goalkeeper.compute import dask
    from goalkeeper.core.errors import ExecutorError

    monkeypatch.setattr(dask, "PATIENCE", 1)
    with dask.cluster(0) as address, pytest.raises(ExecutorError, match="has no workers"):
        list(DaskExecutor(address).run(doubles(1)))


@pytest.mark.parametrize("what", ["scheduler", "workers"])
def test_a_cluster_that_dies_in_the_middle_is_an_error(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was yielded before is the caller's; the rest ends with one error, and soon."""
    import dask.config

    from goalkeeper.compute import dask as ours
    from goalkeeper.core.errors import ExecutorError

    jobs = [job(str(i), "note", folder=str(tmp_path), name=str(i), seconds=0.3) for i in range(50)]
    soon = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    with separate(tmp_path) as (address, processes), soon:
        list(DaskExecutor(address).run(doubles(1)))  # the worker is there
        # The client keeps the patience it was made with, for its own attempts to connect again.
        monkeypatch.setattr(ours, "PATIENCE", 3)
        running = DaskExecutor(address).run(jobs)
        first = next(running)
        assert first.status == "ok", first.error
        monkeypatch.setattr(ours, "PATIENCE", 2)
        monkeypatch.setattr(ours, "LOOK", 1)
        for process in processes[what]:
            process.kill()
        with pytest.raises(ExecutorError, match=r"the Dask .* lost; start the cluster again"):
            list(running)


def test_workers_of_another_version_stop_the_run(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from goalkeeper.compute import versions
    from goalkeeper.core.errors import ExecutorError

    monkeypatch.setattr(versions, "digest", lambda: "of another version")
    with pytest.raises(ExecutorError, match="install the same on every machine"):
        list(DaskExecutor(scheduler).run(doubles(1)))
