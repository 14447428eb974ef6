"""Clusters of processes that a user starts, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def separate(
    folder: Path, *options: str, variables: Mapping[str, str] | None = None
) -> Iterator[tuple[str, dict[str, list[subprocess.Popen[bytes]]]]]:
    """Start a scheduler and a worker as a user does, each in a process that can be killed.

    Both get these options, and these variables in their environment.
    """
    file, processes = folder / "scheduler.json", []
    # The jobs are found in the repository, whatever other tests did to folder and environment.
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **(variables or {})}
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    local = [*common, "--host", "127.0.0.1", *options]
    for words in (["scheduler", *local, "--port", "0"], ["worker", *local, "--no-nanny"]):
        command = [sys.executable, "-m", "dask", *words]
        processes.append(
            subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment)
        )
        while not file.exists():
            time.sleep(0.05)
    try:
        address = json.loads(file.read_text())["address"]
        yield address, {"scheduler": processes[:1], "workers": processes[1:]}
    finally:
        for process in processes:
            process.kill()
            process.wait()
