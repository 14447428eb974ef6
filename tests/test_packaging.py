"""The wheel holds everything that runs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.docs.pages import ROOT

pytest.importorskip("hatchling", reason="the test extra is not installed")
NEEDED = (
    "cli/main.py",
    "estimates.csv",
    "policy/frameworks.yaml",
    "policy/rating.yaml",
    "policy/taxonomy.yaml",
    "py.typed",
    "report/renderers/html.py",
    "report/templates/report.html",
    "report/templates/style.css",
    "testing/__init__.py",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Build the wheel with the backend that is installed: no network, no environment of its own."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return ZipFile(built)


def source() -> set[str]:
    package = ROOT / "src" / "goalkeeper"
    every = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {f"goalkeeper/{p.relative_to(package).as_posix()}" for p in every}


def test_it_holds_the_package_whole_and_nothing_else(wheel: ZipFile) -> None:
    names = set(wheel.namelist())
    assert {f"goalkeeper/{name}" for name in NEEDED} <= names
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == source()


def test_its_metadata_are_those_of_the_project(wheel: ZipFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (info,) = {n.split("/")[0] for n in wheel.namelist() if ".dist-info/" in n}
    told = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert told["Name"] == "goalkeeper"
    assert told["Version"] == project["version"]
    assert told["License-Expression"] == project["license"]
    entries = wheel.read(f"{info}/entry_points.txt").decode()
    assert "goalkeeper = goalkeeper.cli:main" in entries
    assert wheel.read(f"{info}/licenses/LICENSE") == Path(ROOT / "LICENSE").read_bytes()
