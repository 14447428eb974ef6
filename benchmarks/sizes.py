"""Measure CPU seconds and peak memory against the number of records and of classes.

Each cell of the table is a process of its own: it makes a table of random rows, describes it as an
application with `Application.from_model`, plans, and executes one attack run, as an attacker who
can decide a normal need would. Seconds are of the CPU, with one thread; memory is the largest
resident size of the process, which includes the records and what it loaded.

    python -m benchmarks.sizes                                  # the table of docs/benchmarks.md
    python -m benchmarks.sizes --rows 1000 10000 --attacks loss_threshold
    python -m benchmarks.sizes --rows 20000 --classes 2 100 1000 --models boosting
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats

COLUMNS = 30
ROWS = (1_000, 10_000, 100_000, 1_000_000)
CLASSES = (2,)
MODELS = ("linear", "boosting")
ATTACKS = (
    "loss_threshold",
    "neighbour_loss",
    "relative_likelihood",
    "columns_from_scores",
    "substitute",
    "label_flips",
)
EFFORT = 0.25  # the first look of a run
LIMIT_S = 1800.0
KIB = 1024.0


def main() -> None:
    options = parsed()
    if options.cell:
        print(json.dumps(measure(options)))
        return
    print(f"{'model':9} {'attack':22} {'rows':>9} {'classes':>7} {'load':>7} {'plan':>7}", end="")
    print(f" {'run':>7} {'MiB':>6}  result", flush=True)
    found = [
        cell(model, attack, rows, classes, options.effort)
        for model in options.models
        for attack in options.attacks
        for classes in options.classes
        for rows in options.rows
    ]
    if options.json:
        options.json.write_text(json.dumps([row(each) for each in found if each]))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="*", type=int, default=ROWS)
    parser.add_argument("--classes", nargs="*", type=int, default=CLASSES)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS)
    parser.add_argument("--attacks", nargs="*", default=ATTACKS)
    parser.add_argument("--effort", type=float, default=EFFORT)
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    parser.add_argument("--cell", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def cell(model: str, attack: str, rows: int, classes: int, effort: float) -> dict[str, Any]:
    """Measure one cell in a process of its own, and print its line."""
    given = ["--models", model, "--attacks", attack, "--rows", str(rows)]
    given += ["--classes", str(classes), "--effort", str(effort)]
    command = [sys.executable, "-m", "benchmarks.sizes", "--cell", *given]
    env = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    line = f"{model:9} {attack:22} {rows:9,} {classes:7,}"
    try:
        done = subprocess.run(
            command, check=False, env=env, capture_output=True, text=True, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        print(f"{line}  over {LIMIT_S:.0f} s", flush=True)
        return {}
    if done.returncode:
        print(f"{line}  {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return {}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    took = " ".join(f"{found[name]:7.1f}" for name in ("load", "plan", "run"))
    print(f"{line} {took} {found['mib']:6.0f}  {found['result']}", flush=True)
    return found


def row(found: dict[str, Any]) -> dict[str, Any]:
    """Return a cell as a row of docs/benchmarks.md."""
    size = f"{found['rows']:,} x {COLUMNS}, {found['classes']:,} classes"
    spent = f"load {found['load']:.1f} s, plan {found['plan']:.1f} s; peak {found['mib']:,.0f} MiB"
    return {
        "figure": f"{found['attack']}, {found['model']}, {size}",
        "ours_s": found["run"], "goal": "peak < 2 GiB", "note": f"{spent}; {found['result']}",
    }  # fmt: skip


# ---- one cell ------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Describe, plan and execute one attack run, and say what it took."""
    from goalkeeper.assessing import prepare
    from goalkeeper.attack_run import execute
    from goalkeeper.core.application import Application
    from goalkeeper.planning import Choice

    model, attack = options.models[0], options.attacks[0]
    rows, classes = options.rows[0], options.classes[0]
    x, y = draw(rows, classes)
    half = rows * 2 // 5
    times = [time.process_time()]
    app = Application.from_model(
        build(model, classes), x[:half], y[:half], x[half:], y[half:], overlap="drop"
    )
    times.append(time.process_time())
    session = prepare(app, choice=Choice(attacks=(attack,), effort=options.effort))
    times.append(time.process_time())
    unit = next(unit for unit in session.plan.units)
    result = execute(session.app, unit.run)
    times.append(time.process_time())
    load, plan, run = np.diff(times).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
    said = str(result.status) + (f": {result.reason[:60]}" if result.reason else "")
    return {
        "model": model, "attack": attack, "rows": rows, "classes": classes,
        "load": load, "plan": plan, "run": run, "mib": peak, "result": said,
    }  # fmt: skip


def draw(rows: int, classes: int) -> tuple[Floats, NDArray[np.str_]]:
    """Draw rows `(n, 30)` and names of classes `(n,)` that a model finds out in part."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(rows) % classes)  # equally frequent
    x = rng.normal(size=(rows, COLUMNS)) + rng.normal(size=(classes, COLUMNS), scale=0.5)[y]
    names = np.array([f"c{i}" for i in range(classes)])
    return x, names[y]


def build(model: str, classes: int) -> Any:
    """Build the unfitted model."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    if model == "linear":  # of many classes, the model's own training is not what is measured
        return LogisticRegression(max_iter=200 if classes < 100 else 10)
    return HistGradientBoostingClassifier(max_iter=100 if classes < 10 else 10, random_state=0)


if __name__ == "__main__":
    main()
