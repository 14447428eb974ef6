"""Time and memory of default runs with a time limit, against the number of records and of classes.

Each cell is a `goalkeeper run` of its own, without a store: a table of 30 columns of random
numbers, a model of scikit-learn, all four goals with a normal need, an outsider, a customer and an
insider. Memory is the largest resident size among the command and its workers.

    python -m benchmarks.default_runs                       # the table of docs/benchmarks.md
    python -m benchmarks.default_runs --rows 1000000 --classes 2 --models linear --time 15m
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sizes import COLUMNS, draw
from goalkeeper.compute.folder import RunFolder
from goalkeeper.core.errors import GoalkeeperError

FOLDER = Path("build/bench/default_runs")
ROWS = (1_000, 10_000, 100_000, 1_000_000)
CLASSES = (2, 10, 100, 1_000)
MODELS = {
    "linear": "LogisticRegression(max_iter=200 if {classes} < 100 else 10)",
    "boosting": "HistGradientBoostingClassifier(max_iter=100 if {classes} < 10 else 10)",
}
FEWEST_EACH = 10  # records of a class, below which a cell is left out
KIB = 1024.0
GOALS = {
    "integrity": "financial",
    "availability": "financial",
    "confidentiality": "financial",
    "privacy": "self_determination",
}
BUILD = """from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression


def build():
    return {model}
"""
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="*", type=int, default=ROWS)
    parser.add_argument("--classes", nargs="*", type=int, default=CLASSES)
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=["linear"])
    parser.add_argument("--time", default="5m", help="time limit of each run")
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    asked = parser.parse_args()
    found = [
        measure(model, rows, classes, asked.time)
        for model in asked.models
        for rows in asked.rows
        for classes in asked.classes
        if rows >= FEWEST_EACH * classes
    ]
    if asked.json:
        asked.json.write_text(json.dumps([figure(row) for row in found]))


def measure(model: str, rows: int, classes: int, limit: str) -> Row:
    """Run one cell, and print its line."""
    folder = FOLDER / f"{model}-{rows}-{classes}"
    shutil.rmtree(folder, ignore_errors=True)
    describe(folder, model, rows, classes)
    command = [sys.executable, "-m", "goalkeeper", "run", str(folder / "application.yaml")]
    command += ["-o", str(folder / "run"), "--no-store", "--time", limit]
    begun = time.monotonic()
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        said = (process.stderr or sys.stdin.buffer).read()
        _, _, used = os.wait4(process.pid, 0)
    row = {
        "cell": f"{model}, {rows:,} x {COLUMNS}, {classes:,} classes",
        "limit": limit,
        "wall_s": round(time.monotonic() - begun, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "mib": round(used.ru_maxrss / KIB),
        **outcome(folder / "run", said.decode(errors="replace")),
    }
    print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)
    return row


def outcome(run: Path, said: str) -> Row:
    """Say what a run found; what it said last where it ended without an assessment."""
    try:
        found = RunFolder(run).assessment()
    except (OSError, ValueError, GoalkeeperError) as error:  # go on with the next cell
        return {"found": f"{type(error).__name__}: {' '.join(said.split())[-200:]}"}
    risks = [f"{g} {r.risk.low:g} to {r.risk.high:g}" for g, r in sorted(found.goals.items())]
    counts = Counter(str(evidence.status) for evidence in found.evidence)
    tested = f"{counts['tested']} tested"
    cut = sum(evidence.result.limited for evidence in found.evidence)
    return {"found": f"{tested}, {cut} stopped by time; risk: {', '.join(risks)}"}


def describe(folder: Path, model: str, rows: int, classes: int) -> None:
    """Write the application file, its data and the function that builds its model."""
    folder.mkdir(parents=True)
    x, y = draw(rows, classes)
    numbers = np.unique(y, return_inverse=True)[1]
    np.savez(folder / "data.npz", x=x, y=numbers)
    built = MODELS[model].format(classes=classes)
    (folder / "model.py").write_text(BUILD.format(model=built))
    reason = "A wrong answer costs money."
    lines = ["goalkeeper: 1", f"name: table of {rows} records and {classes} classes"]
    lines += [f"classes: {json.dumps([str(i) for i in range(classes)])}", "data: {file: data.npz}"]
    lines += ["model: {build: 'model.py:build'}", "attackers: [outsider, customer, insider]"]
    lines += ["needs:"]
    lines += [
        f"  {goal}: {{{harm}: {{level: normal, reason: {reason}}}}}" for goal, harm in GOALS.items()
    ]
    (folder / "application.yaml").write_text("\n".join([*lines, ""]))


def figure(row: Row) -> Row:
    """Return a cell as a row of docs/benchmarks.md."""
    return {
        "figure": row["cell"],
        "ours_s": row["wall_s"],
        "goal": "peak < 2 GiB",
        "note": f"--time {row['limit']}; {row['cpu_s']} CPU s, peak {row['mib']:,} MiB; "
        f"{row['found']}",
    }


if __name__ == "__main__":
    main()
