"""Run the command line as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from goalkeeper.cli import main; main()"]


def goalkeeper(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=300,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
    )


def timeless(assessment: dict[str, Any]) -> dict[str, Any]:
    """Leave out what measured times decide."""
    out = dict(assessment)
    for key in ("started", "finished", "environment", "next_steps"):
        out.pop(key)
    for evidence in out["evidence"]:
        if evidence["game"] == "exhaustion":  # its findings are times that were measured
            reused = evidence["result"]["cost"].get("reused", False)
            evidence["rated"] = None
            status = evidence["result"]["status"]
            cost = {"reused": reused, "seconds": 0}
            evidence["result"] = {"status": status, "cost": cost, "took": 0, "trials": []}
        evidence["result"]["cost"].pop("seconds")
        evidence["result"].pop("took")
        for trial in evidence["result"]["trials"]:
            trial.pop("compute_h")
        for trial in (evidence["rated"] or {}).get("trials", []):
            trial["attack_potential"].pop("days")
        if evidence["rated"]:
            evidence["rated"]["attack_potential"].pop("days")
    return out
