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
            assert (killed / "units" / name).stat().st_mtime_ns == written, f"{name} played twice"
        for path in (killed / "units").glob("*.json"):
            seen.setdefault(path.name, path.stat().st_mtime_ns)
    goalkeeper("run", small, "-o", killed)
    first, second = (
        timeless(json.loads((folder / "assessment.json").read_text())) for folder in (whole, killed)
    )
    assert first == second
    assert goalkeeper("verify", killed).returncode == 0
