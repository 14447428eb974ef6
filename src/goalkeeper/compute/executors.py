"""Every executor by name: ours, then those of plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from goalkeeper.compute.executor import Execution, Executor
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.plugins import EXECUTORS, load_plugins

Make = Callable[[Execution], Executor]


def _inline(execution: Execution) -> Executor:
    from goalkeeper.compute.inline import InlineExecutor

    if not execution.limits.none:
        raise DescriptionError(
            "the inline executor cannot enforce a limit: it has no worker process to stop",
            key="--executor",
            expected="another executor, or no --unit-time and no --unit-memory",
            given="inline",
            advice="leave --executor out, or use --executor local",
        )
    return InlineExecutor(execution.limits)


def _local(execution: Execution) -> Executor:
    from goalkeeper.compute.local import LocalExecutor

    return LocalExecutor(execution.slots, limits=execution.limits, preload=execution.preload)


def _dask(execution: Execution) -> Executor:
    from goalkeeper.compute.dask import DaskExecutor

    if execution.scheduler and execution.jobs:
        raise DescriptionError(
            "--jobs does not change the number of workers of a running cluster",
            key="--jobs",
            expected="no --jobs beside --scheduler",
            given=str(execution.jobs),
            advice="start more workers, or leave --jobs out",
        )
    return DaskExecutor(
        execution.scheduler,
        slots=execution.slots,
        limits=execution.limits,
        preload=execution.preload,
    )


OURS: Mapping[str, Make] = {"inline": _inline, "local": _local, "dask": _dask}


def available() -> Mapping[str, Make]:
    """Map the name of each executor to what makes it."""
    return {**OURS, **load_plugins(EXECUTORS, OURS, _problem)}


def make(execution: Execution, jobs: int) -> Executor:
    """Make the executor for so many jobs.

    Raises
    ------
    DescriptionError
        There is no executor of this name, or it cannot do what is asked.
    MissingExtra
        It needs a package that is not installed.
    """
    name = execution.name(jobs)
    executors = available()
    if name not in executors:
        raise DescriptionError(
            f"there is no executor called {name!r}",
            key="--executor",
            expected="one of " + ", ".join(executors),
            given=name,
            advice="see the executors with: goalkeeper doctor",
        )
    if execution.scheduler and name in {"inline", "local"}:
        raise DescriptionError(
            f"the {name} executor has no scheduler",
            key="--scheduler",
            expected="--executor dask, or no --executor",
            given=execution.scheduler,
        )
    executor = executors[name](execution)
    if not callable(getattr(executor, "run", None)):  # a plug-in's
        raise DescriptionError(
            f"the plug-in for the executor {name!r} made something that cannot run jobs",
            key="--executor",
            expected="an object with a method `run`",
            given=f"{executor!r}",
        )
    return executor


def _problem(loaded: object) -> str:
    return "" if callable(loaded) else "it cannot be called with an Execution"
