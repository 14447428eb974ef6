"""Execute the same attack runs with one worker, two, and a Dask cluster of two; and kill one.

Units are trainings of a second or more (numpy and scikit-learn, one thread each). Methods take
turns, round by round; figures are medians of wall-clock seconds from the first unit handed in to
the last outcome, the start of worker processes included. The cluster runs already, as a user's
does. Outcomes are compared before times are. What two bare processes of `multiprocessing` reach
says what the machine has to give: where others use it too, that is less than twice as much.

    python -m benchmarks.executors
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._timing import timed
from goalkeeper.compute.dask import DaskExecutor, cluster
from goalkeeper.compute.executor import Executor, Job, Outcome, Worker
from goalkeeper.compute.local import LocalExecutor

LEAST = 1.6  # seconds of a unit
PRELOAD = ("sklearn.linear_model",)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--units", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    options = parser.parse_args()
    jobs = resize(options.units)
    with cluster(2) as address:
        executors: dict[str, Executor] = {
            "one local worker": LocalExecutor(1, preload=PRELOAD),
            "two local workers": LocalExecutor(2, preload=PRELOAD),
            "Dask, two workers": DaskExecutor(address, preload=PRELOAD),
        }
        agree(executors, jobs[:2])
        methods: dict[str, Callable[[], Any]] = {
            name: lambda e=e: list(e.run(jobs)) for name, e in executors.items()
        }
        methods["two bare processes"] = lambda: bare(jobs)
        seconds = timed(methods, options.rounds, "wall")
        rows = compared(seconds, options.units)
        rows += [lost(name, executors[name]) for name in list(executors)[1:]]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        print(f"{row['figure']:48} {ratio:>6}  {row['goal']:24} {row['note']}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def compared(seconds: dict[str, float], units: int) -> list[dict[str, Any]]:
    one, two, dask, two_bare = seconds.values()
    note = f"{units} units of {one / units:.1f} s, wall clock"
    return [
        row("two bare processes", two_bare, "one worker", one, "", note),
        row("two local workers", two, "one worker", one, ">= 1.6x", note),
        row("Dask, two workers", dask, "two local workers", two, ">= 0.91x", note),
    ]


def row(
    figure: str, ours: float | None, peer: str, its: float | None, *told: str
) -> dict[str, Any]:
    ratio = its / ours if ours and its else None
    goal, note = told
    return {
        "figure": figure,
        "ours_s": ours,
        "peer": peer,
        "peer_s": its,
        "ratio": ratio,
        "goal": goal,
        "note": note,
    }


def bare(jobs: list[Job]) -> None:
    """Perform jobs in two processes that do nothing else."""
    with mp.get_context("forkserver").Pool(2) as pool:
        pool.map(perform, jobs, chunksize=1)


def perform(job: Job) -> Outcome:
    return Worker().perform(job)


# ---- units ---------------------------------------------------------------------------------------


def train(seed: int, repeats: int) -> str:
    """Train a few logistic regressions, and sum up what they found."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(repeats):
        x = rng.normal(size=(4000, 60))
        y = (x[:, 0] + np.sort(rng.normal(size=4000)) > 0).astype(int)
        total += float(LogisticRegression(tol=1e-8).fit(x, y).coef_.sum())
    return repr(total)


def resize(units: int) -> list[Job]:
    """Make units that take the least time or more on this machine."""
    few = Job(id="few", call=f"{HERE}:train", params={"seed": 0, "repeats": 8})
    perform(few)  # imports
    each = min(perform(few).seconds for _ in range(3)) / 8
    repeats = int(np.ceil(LEAST / each))
    return [
        Job(id=str(i), call=f"{HERE}:train", params={"seed": i, "repeats": repeats})
        for i in range(units)
    ]


def agree(executors: dict[str, Executor], jobs: list[Job]) -> None:
    """Fail if an executor finds something else than this process does."""
    expected = {job.id: perform(job).value for job in jobs}
    for name, executor in executors.items():
        found = {outcome.id: outcome.value for outcome in executor.run(jobs)}
        if found != expected:
            raise SystemExit(f"{name}: {found} is not {expected}")


# ---- a killed worker -----------------------------------------------------------------------------


def note(path: str, name: str) -> str:
    """Write down that this was begun, and by which process; then take half a second."""
    with Path(path).open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    time.sleep(0.5)
    return name


def lost(name: str, executor: Executor) -> dict[str, Any]:
    """Kill a worker in the middle of twelve units; count what was run again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "begun.txt"
        path.touch()
        jobs = [
            Job(id=f"n{i}", call=f"{HERE}:note", params={"path": str(path), "name": f"n{i}"})
            for i in range(12)
        ]
        killer = threading.Thread(target=kill, args=(path,))
        killer.start()
        found = [outcome.value for outcome in executor.run(jobs)]
        killer.join()
        begun = Counter(line.split()[0] for line in path.read_text().splitlines())
    again = sum(begun.values()) - len(begun)
    lacking = len(jobs) - len(set(found) & {job.id for job in jobs})
    said = f"{again} of {len(jobs)} units run again, {lacking} lost"
    return row(f"one worker killed: {name}", None, "", None, "1 again, 0 lost", said)


def kill(path: Path) -> None:
    """Kill the worker that begins the sixth unit."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        lines = path.read_text().splitlines()
        if len(lines) >= 6:
            os.kill(int(lines[5].split()[1]), signal.SIGKILL)
            return
        time.sleep(0.02)


HERE = "benchmarks.executors"  # not `__main__`: workers import it by name

if __name__ == "__main__":
    main()
