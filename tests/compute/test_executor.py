from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from goalkeeper.compute.executor import Executor, Job, perform
from goalkeeper.compute.inline import InlineExecutor
from goalkeeper.compute.local import LocalExecutor


def double(value: int) -> str:
    return str(2 * value)


def fail(value: int) -> str:
    raise ValueError(f"no {value}")


def die_once(marker: str) -> str:
    """Kill this process the first time, and answer the second."""
    path = Path(marker)
    if path.exists():
        return "survived"
    path.write_text("")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


HERE = "tests.compute.test_executor"


def jobs(n: int) -> list[Job]:
    return [Job(id=str(i), call=f"{HERE}:double", params={"value": i}) for i in range(n)]


@pytest.mark.parametrize("executor", [InlineExecutor(), LocalExecutor(2)])
def test_every_job_has_one_outcome(executor: Executor) -> None:
    outcomes = {o.id: o.value for o in executor.run(jobs(5))}
    assert outcomes == {str(i): str(2 * i) for i in range(5)}


@pytest.mark.parametrize("executor", [InlineExecutor(), LocalExecutor(2)])
def test_an_error_is_an_outcome_and_the_rest_goes_on(executor: Executor) -> None:
    bad = Job(id="bad", call=f"{HERE}:fail", params={"value": 7})
    outcomes = {o.id: o for o in executor.run([bad, *jobs(3)])}
    assert outcomes["bad"].status == "error"
    assert "ValueError: no 7" in outcomes["bad"].error
    assert [outcomes[str(i)].status for i in range(3)] == ["ok"] * 3


def test_a_worker_that_dies_loses_nothing(tmp_path: Path) -> None:
    once = Job(id="once", call=f"{HERE}:die_once", params={"marker": str(tmp_path / "m")})
    always = Job(id="always", call=f"{HERE}:die")
    outcomes = {o.id: o for o in LocalExecutor(2).run([once, always, *jobs(4)])}
    assert outcomes["once"].value == "survived"
    assert outcomes["always"].status == "crashed"
    assert "died twice" in outcomes["always"].error
    assert [outcomes[str(i)].status for i in range(4)] == ["ok"] * 4


def test_a_run_that_is_left_early_leaves_no_process() -> None:
    running = LocalExecutor(2).run(jobs(50))
    next(running)
    running.close()  # type: ignore[attr-defined]


def test_a_call_that_does_not_exist_is_an_error() -> None:
    assert perform(Job(id="x", call="goalkeeper.nowhere:nothing")).status == "error"
