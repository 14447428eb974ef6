"""Every check of executors fails on its culprit; those of ours are checked in tests/compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import psutil
import pytest

from goalkeeper.compute.executor import Executor, Job, Outcome
from goalkeeper.compute.inline import InlineExecutor
from goalkeeper.compute.local import LocalExecutor
from goalkeeper.testing import ContractError, check_executor, executor_checks, executors

Run = Callable[[Sequence[Job]], Iterator[Outcome]]


class Odd:
    """An executor that runs jobs as a function says."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        return self._run(jobs)


def inline(jobs: Iterable[Job | None]) -> Iterator[Outcome]:
    return InlineExecutor().run(jobs)


def losing(jobs: Sequence[Job]) -> Iterator[Outcome]:
    yield from inline(jobs[1:])


def twice(jobs: Sequence[Job]) -> Iterator[Outcome]:
    yield from inline([*jobs, *jobs[:1]])


def wrong(jobs: Sequence[Job]) -> Iterator[Outcome]:
    for outcome in inline(jobs):
        yield replace(outcome, value="3")


def chatting(jobs: Sequence[Job]) -> Iterator[Outcome]:
    yield from inline(jobs)
    if not jobs:
        yield Outcome(id="", status="ok")


def raising(jobs: Sequence[Job]) -> Iterator[Outcome]:
    for outcome in inline(jobs):
        if outcome.status == "error":
            raise RuntimeError(outcome.error)
        yield outcome


def hushing(jobs: Sequence[Job]) -> Iterator[Outcome]:
    for outcome in inline(jobs):
        yield replace(outcome, status="ok")


def marking(jobs: Sequence[Job]) -> Iterator[Outcome]:
    os.environ["ODD"] = os.environ.get("ODD", "") + "1"
    yield from inline(jobs)


def threaded(jobs: Sequence[Job]) -> Iterator[Outcome]:
    for outcome in inline(jobs):
        yield replace(outcome, value="4") if outcome.id == "t" else outcome


def giving_up(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Try nothing a second time."""
    for outcome in LocalExecutor(1).run(jobs):
        first = outcome.id == "once"
        yield replace(outcome, status="crashed", value="") if first else outcome


def hopeful(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Call a crash an error."""
    for outcome in LocalExecutor(1).run(jobs):
        yield replace(outcome, status="error") if outcome.status == "crashed" else outcome


def late(jobs: Iterable[Job | None]) -> Iterator[Outcome]:
    """Yield no outcome before all are there."""
    yield from list(inline(jobs))


class Endless:
    """Pays no attention to the time of the run."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def run(self, jobs: Iterable[Job | None]) -> Iterator[Outcome]:
        return islice(InlineExecutor().run(jobs), 3)


class Listing:
    """Waits until all is done."""

    def run(self, jobs: Sequence[Job]) -> Any:
        return iter(list(LocalExecutor(1).run(jobs[:1])))


CULPRITS: list[tuple[Any, str, str]] = [
    (Odd(losing), executors.ONCE, "job 0 has no outcome"),
    (Odd(twice), executors.ONCE, "jobs 0 have several outcomes"),
    (Odd(wrong), executors.ONCE, "job 1 ended as ok 3"),
    (Odd(chatting), executors.ONCE, "no jobs have outcomes"),
    (Odd(raising), executors.ERRORS, "RuntimeError: Traceback"),
    (Odd(hushing), executors.ERRORS, "return status error"),
    (Odd(marking), executors.THREADS, "variables of the environment"),
    (Odd(threaded), executors.THREADS, "a job had 4 threads"),
    (Odd(late), executors.GROWS, "ended in RuntimeError..no job is running"),
    (InlineExecutor(), executors.RETRIED, "jobs run in this process"),
    (Odd(giving_up), executors.RETRIED, "died once ended as .*crashed"),
    (Odd(hopeful), executors.RETRIED, "always kills its worker ended as .*error"),
]


@pytest.mark.parametrize(("culprit", "promise", "seen"), CULPRITS)
def test_each_check_fails_on_its_culprit(
    culprit: Executor, promise: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", "")
    with pytest.raises(ContractError, match=seen) as caught:
        check_executor(lambda: culprit)
    assert caught.value.promise == promise


def failing(make: Callable[[], Any]) -> str:
    (check,) = (c for c in executor_checks(make) if c.promise == executors.GONE)
    with pytest.raises(ContractError) as caught:
        check()
    return str(caught.value)


def test_a_run_that_goes_on_when_its_time_is_over_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executors, "SOON", 0.1)
    checks = executor_checks(InlineExecutor, workers=False, make_limited=Endless)
    (check,) = (check for check in checks if check.promise == executors.UNTIL)
    with pytest.raises(ContractError, match="3 jobs were begun"):
        check()


def test_workers_that_go_on_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker that goes on is this very process."""
    monkeypatch.setattr(executors, "PATIENCE", 0.2)
    assert "1 workers are still running after 0.2 s" in failing(InlineExecutor)
    assert psutil.pid_exists(os.getpid())


def test_a_run_that_cannot_be_left_is_noticed() -> None:
    assert "run() returned no generator" in failing(Listing)
