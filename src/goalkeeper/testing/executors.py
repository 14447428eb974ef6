"""What every executor owes the framework, as checks that any executor can be given to."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil

from goalkeeper.compute.executor import Executor, Job, Outcome
from goalkeeper.testing import jobs
from goalkeeper.testing.contract import Breach, Check, run_all

Make = Callable[[], Executor]
MakeLimited = Callable[[float], Executor]
SOON = 1.0  # seconds that a run gets which is to end in the middle
PATIENCE = 20.0  # seconds in which workers must be gone
LOOK = 0.05  # seconds between looks

ONCE = "every job has exactly one outcome, with its value"
ERRORS = "an error of a job is an outcome, and the other jobs continue"
THREADS = "a job has one thread, and the environment stays as it was"
GROWS = "a job is asked for when a worker is free, after the outcomes that it depends on"
UNTIL = "when the time of the run is over, what runs is stopped and nothing more is begun"
RETRIED = "a job that kills its worker is tried twice, and the other jobs continue"
GONE = "a run that is left early leaves no process"


def check_executor(
    make: Make, *, workers: bool = True, make_limited: MakeLimited | None = None
) -> None:
    """Check every promise that an executor makes; see `executor_checks`.

    Raises
    ------
    ContractError
        A promise is broken; the message names it, says what was seen and what to do.
    """
    run_all(executor_checks(make, workers=workers, make_limited=make_limited))


def executor_checks(
    make: Make, *, workers: bool = True, make_limited: MakeLimited | None = None
) -> Iterator[Check]:
    """Yield a check for each promise of an executor.

    Parameters
    ----------
    make
        Makes a new executor for each check.
    workers
        Whether jobs run in processes of their own; what kills a job of others kills the run.
    make_limited
        Makes an executor whose `Limits.until` is so many seconds from now; left out, that limit is
        not checked.
    """
    yield Check("gives-each-job-one-outcome", ONCE, partial(_once, make))
    yield Check("takes-errors-for-outcomes", ERRORS, partial(_errors, make))
    yield Check("gives-a-job-one-thread", THREADS, partial(_threads, make))
    yield Check("asks-for-jobs-on-the-way", GROWS, partial(_grows, make))
    if workers:
        yield Check("repeats-what-killed-its-worker", RETRIED, partial(_retried, make))
        yield Check("leaves-no-process", GONE, partial(_gone, make))
    if make_limited is not None:
        yield Check("ends-in-time", UNTIL, partial(_until, make_limited, workers=workers))


def _job(id: str, function: str, **params: object) -> Job:
    return Job(id=id, call=f"{jobs.HERE}:{function}", params=params)


def _doubles(count: int) -> list[Job]:
    return [_job(str(i), "double", value=i) for i in range(count)]


def _ran(make: Make, asked: Sequence[Job]) -> dict[str, Outcome]:
    return {outcome.id: outcome for outcome in make().run(asked)}


def _unlike(outcomes: dict[str, Outcome], count: int) -> Iterator[Breach]:
    """Find jobs that should have doubled a number and did not."""
    for i in map(str, range(count)):
        if i not in outcomes:
            yield Breach(f"job {i} has no outcome", "yield an outcome for every job")
        elif (outcomes[i].status, outcomes[i].value) != ("ok", jobs.double(int(i))):
            finding = f"job {i} ended as {outcomes[i].status} {outcomes[i].value}"
            yield Breach(finding, "perform each job by goalkeeper.compute.executor.perform")


def _once(make: Make) -> Iterator[Breach]:
    found = list(make().run(_doubles(7)))
    twice = [id for id, times in Counter(outcome.id for outcome in found).items() if times > 1]
    if twice:
        yield Breach(f"jobs {', '.join(twice)} have several outcomes", "yield one for every job")
    yield from _unlike({outcome.id: outcome for outcome in found}, 7)
    if list(make().run([])):
        yield Breach("no jobs have outcomes", "yield nothing where nothing is to do")


def _errors(make: Make) -> Iterator[Breach]:
    missing = Job(id="missing", call="goalkeeper.nowhere:nothing")
    asked = [_job("bad", "fail", value=7), _job("gone", "leave"), missing, *_doubles(3)]
    outcomes = _ran(make, asked)
    for id, text in (("bad", "no 7"), ("gone", "enough"), ("missing", "nowhere")):
        outcome = outcomes.get(id)
        if outcome is None or outcome.status != "error" or text not in outcome.error:
            finding = f"job {id} ended as {outcome}"
            yield Breach(finding, "return status error, with the traceback as `error`")
    yield from _unlike(outcomes, 3)


def _threads(make: Make) -> Iterator[Breach]:
    before = dict(os.environ)
    outcome = _ran(make, [_job("t", "threads")])["t"]
    if outcome.value != "1":
        advice = "perform each job by goalkeeper.compute.executor.perform"
        yield Breach(f"a job had {outcome.value or outcome.error} threads", advice)
    if dict(os.environ) != before:
        yield Breach("variables of the environment have changed", "set them in workers only")


def _grows(make: Make) -> Iterator[Breach]:
    """Ask for jobs of which each depends on the outcome of the one before."""
    seen: list[str] = []

    def growing() -> Iterator[Job | None]:
        for number in range(4):
            yield _job(str(number), "double", value=int(seen[-1]) if seen else 1)
            while len(seen) <= number:
                yield None

    try:
        seen.extend(outcome.value for outcome in make().run(growing()))
    except (IndexError, TypeError, AttributeError, RuntimeError) as error:
        finding = f"an iterator of jobs, with None for nothing now, ended in {error!r}"
        yield Breach(finding, "take jobs by goalkeeper.compute.feed.Feed")
        return
    if seen != ["2", "4", "8", "16"]:
        finding = f"four jobs that each double the value of the one before gave {seen}"
        yield Breach(finding, "take each job when a worker is free, and yield outcomes before")


def _until(make: MakeLimited, *, workers: bool) -> Iterator[Breach]:
    """End a run in the middle; with workers, in the middle of a job."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = PATIENCE if workers else 2 * SOON
        asked = [_job(str(i), "linger", folder=folder, seconds=seconds) for i in range(8)]
        found = list(make(SOON).run(asked))
        begun = len(list(Path(folder).iterdir()))
    stopped = [o for o in found if o.status == "stopped" and o.limited and o.error]
    if workers and len(stopped) != len(found):
        finding = f"jobs that ran when time was over ended as {found}"
        yield Breach(finding, "yield goalkeeper.compute.feed.out_of_time(job) for each")
    if not workers and len(found) != 1:
        yield Breach(f"{len(found)} jobs were begun", "begin none when the time is over")
    if begun > len(found):
        yield Breach(f"{begun} jobs were begun, {len(found)} have an outcome", "yield one for each")


def _retried(make: Make) -> Iterator[Breach]:
    if _ran(make, [_job("p", "process")])["p"].value == str(os.getpid()):
        advice = "run jobs in processes of their own, or check with workers=False"
        yield Breach("jobs run in this process, which a job could kill", advice)
        return
    with tempfile.TemporaryDirectory() as folder:
        once = _job("once", "die_once", marker=str(Path(folder) / "died"))
        outcomes = _ran(make, [once, _job("always", "die"), *_doubles(4)])
    if "once" not in outcomes or outcomes["once"].value != "survived":
        finding = f"a job whose worker died once ended as {outcomes.get('once')}"
        yield Breach(finding, "try it a second time, in a new worker")
    if "always" not in outcomes or outcomes["always"].status != "crashed":
        finding = f"a job that always kills its worker ended as {outcomes.get('always')}"
        yield Breach(finding, "return status crashed after the second time")
    yield from _unlike(outcomes, 4)


def _gone(make: Make) -> Iterator[Breach]:
    with tempfile.TemporaryDirectory() as folder:
        asked = [_job(str(i), "linger", folder=folder, seconds=float(i)) for i in range(50)]
        running = make().run(asked)
        next(running)
        close = getattr(running, "close", None)
        if close is None:
            yield Breach("run() returned no generator", "yield outcomes as jobs end")
            return
        close()
        alive = _alive(Path(folder))
    if alive:
        finding = f"{len(alive)} workers are still running after {PATIENCE:g} s"
        yield Breach(finding, "end the workers when the generator is closed")


def _alive(folder: Path) -> list[int]:
    """Wait for the processes that are written down to end; return those that do not."""
    pause, alive = threading.Event(), [0]
    for _ in range(int(PATIENCE / LOOK)):
        alive = [int(path.name) for path in folder.iterdir() if psutil.pid_exists(int(path.name))]
        if not alive:
            break
        pause.wait(LOOK)
    return alive
