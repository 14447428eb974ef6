"""Executors are found by name, plug-ins included, and refuse what they cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from goalkeeper.compute import executors
from goalkeeper.compute.dask import DaskExecutor
from goalkeeper.compute.executor import Execution, Job, Limits, Outcome
from goalkeeper.compute.inline import InlineExecutor
from goalkeeper.compute.local import LocalExecutor
from goalkeeper.core import plugins
from goalkeeper.core.errors import DescriptionError

HERE = "tests.compute.test_executors"
TIGHT = Limits(seconds=1)


class Backwards:
    """An executor of somebody else: the last job first."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        yield from InlineExecutor().run(jobs[::-1])


nothing = 3


def with_plugins(monkeypatch: pytest.MonkeyPatch, *values: tuple[str, str]) -> None:
    points = EntryPoints(EntryPoint(n, v, plugins.EXECUTORS) for n, v in values)
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))


@pytest.mark.parametrize(
    ("execution", "jobs", "kind"),
    [
        (Execution(jobs=1), 9, InlineExecutor),
        (Execution(jobs=2), 9, LocalExecutor),
        (Execution(jobs=2), 1, InlineExecutor),
        (Execution(jobs=2, apart=True), 0, InlineExecutor),
        (Execution(jobs=1, limits=TIGHT), 9, LocalExecutor),
        (Execution(executor="local", jobs=1), 9, LocalExecutor),
        (Execution(executor="dask"), 9, DaskExecutor),
        (Execution(scheduler="tls://far:8786"), 9, DaskExecutor),
    ],
)
def test_what_is_not_said_is_chosen(execution: Execution, jobs: int, kind: type) -> None:
    assert type(executors.make(execution, jobs)) is kind


@pytest.mark.parametrize(
    ("execution", "says"),
    [
        (Execution(executor="dusk"), "one of inline, local, dask"),
        (Execution(executor="inline", limits=TIGHT), "cannot enforce a limit"),
        (Execution(executor="local", scheduler="tcp://far:8786"), "has no scheduler"),
        (Execution(scheduler="tcp://far:8786", jobs=2), "no --jobs beside --scheduler"),
    ],
)
def test_what_does_not_fit_is_refused(execution: Execution, says: str) -> None:
    with pytest.raises(DescriptionError, match=says):
        executors.make(execution, 9)


def test_a_plugin_gets_the_whole_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    with_plugins(monkeypatch, ("backwards", f"{HERE}:Backwards"))
    made = executors.make(Execution(executor="backwards", jobs=3), 9)
    assert isinstance(made, Backwards)
    assert made.execution.jobs == 3


def make_nothing(execution: Execution) -> int:
    return nothing


def test_a_plugin_that_makes_no_executor_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with_plugins(monkeypatch, ("odd", f"{HERE}:make_nothing"))
    with pytest.raises(
        DescriptionError, match=r"plug-in for the executor 'odd' .* cannot run jobs"
    ):
        executors.make(Execution(executor="odd"), 9)


def test_a_plugin_cannot_take_the_place_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with_plugins(monkeypatch, ("local", f"{HERE}:Backwards"))
    with pytest.warns(UserWarning, match="plug-in local .* goalkeeper has its own local"):
        assert type(executors.make(Execution(executor="local"), 9)) is LocalExecutor


@pytest.mark.parametrize("value", [f"{HERE}:absent", "nowhere.at.all:Thing", f"{HERE}:nothing"])
def test_a_broken_plugin_is_a_warning(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_plugins(monkeypatch, ("odd", value))
    with pytest.warns(UserWarning, match="plug-in odd of goalkeeper.executors"):
        assert list(executors.available()) == ["inline", "local", "dask"]
