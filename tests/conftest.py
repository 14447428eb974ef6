"""No test writes to the store of whoever runs the tests, or depends on how they were started."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from goalkeeper.compute.store import VARIABLE
from goalkeeper.compute.threads import VARIABLES

# The suite runs one process a core. Teams of threads beside it wait for each other, spinning:
# copying a tree by labels took 31 s with two threads on two busy cores, and 8 s with one.
# It is read when a library starts, so it stands before anything imports one.
for variable in VARIABLES:
    os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let processes of the tests be interrupted: a job in the background inherits the opposite."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def preloaded() -> None:
    """Let the first test that needs workers start what they are forked from, as a run does.

    Each worker would import the whole of goalkeeper anew, and all that it needs.
    """
    mp.get_context("forkserver").set_forkserver_preload(
        ["goalkeeper.assessing", "goalkeeper.describe"]
    )


@pytest.fixture(scope="session", autouse=True)
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give fixtures that several tests share a store of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty store, so that it takes no result from another one."""
    root = tmp_path / "its-store"
    monkeypatch.setenv(VARIABLE, str(root))
    return root
