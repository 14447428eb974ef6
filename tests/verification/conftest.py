"""Finished runs, made once for all tests of verification; each test gets a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.verification.making import finish


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(tmp_path_factory.mktemp("verified") / "run")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")
