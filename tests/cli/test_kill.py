"""kill -9 at random moments, ten times, then run again: the same assessment, nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, goalkeeper, timeless


@pytest.mark.validation
def test_ten_kills_change_nothing(small: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    begin = time.monotonic()
    goalkeeper("run", small, "-o", whole, "--no-store")
    lasts = time.monotonic() - begin
    moments = random.Random(0)  # noqa: S311 - moments, not secrets
    seen: dict[str, int] = {}
    for _ in range(10):
        words = [*COMMAND, "run", str(small), "-o", str(killed), "--no-store"]
        running = subprocess.Popen(
            words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(moments.uniform(0.2, 1.0) * lasts)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        for name, written in seen.items():
            (kept,) = killed.rglob(name)  # in units, or set apart
            assert kept.stat().st_mtime_ns == written, f"{name} run twice"
        for path in (killed / "units").glob("*.json"):
            seen.setdefault(path.name, path.stat().st_mtime_ns)
    goalkeeper("run", small, "-o", killed)
    first, second = (
        timeless(json.loads((folder / "assessment.json").read_text())) for folder in (whole, killed)
    )
    assert first == second
    assert goalkeeper("verify", killed).returncode == 0


@pytest.mark.validation
def test_kills_in_new_folders_waste_nothing_that_the_store_has(small: Path, tmp_path: Path) -> None:
    """Every run starts in a new folder; what a killed one had finished is not run again."""
    begin = time.monotonic()
    goalkeeper("run", small, "-o", tmp_path / "whole", "--no-store")
    lasts = time.monotonic() - begin
    moments = random.Random(1)  # noqa: S311 - moments, not secrets
    kept = 0
    for i in range(5):
        folder = tmp_path / f"killed{i}"
        words = [*COMMAND, "run", str(small), "-o", str(folder)]
        running = subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(moments.uniform(0.4, 0.9) * lasts)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        entries = json.loads(goalkeeper("store", "--json").stdout)["entries"]
        assert entries >= kept
        kept = entries
    assert kept > 0
    assert json.loads(goalkeeper("store", "check", "--json").stdout)["damaged"] == []
    done = goalkeeper("run", small, "-o", tmp_path / "last")
    assert f"from the store: {kept} attack run" in done.stderr
    first, second = (
        timeless(json.loads((tmp_path / name / "assessment.json").read_text()))
        for name in ("whole", "last")
    )
    for evidence in second["evidence"]:
        evidence["result"]["cost"]["reused"] = False
    assert first == second
