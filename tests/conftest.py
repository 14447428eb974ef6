"""Every test has a store of its own: none is served what another one played, nor the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest

VARIABLE = "GOALKEEPER_STORE"
PLACE = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Point to a folder for what runs before a test's own fixtures, such as shared runs."""
    config.stash[PLACE] = Path(tempfile.mkdtemp(prefix="goalkeeper-store-"))
    os.environ[VARIABLE] = str(config.stash[PLACE] / "shared")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[PLACE], ignore_errors=True)


@pytest.fixture(autouse=True)
def _store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(request.config.stash[PLACE] / uuid.uuid4().hex))
