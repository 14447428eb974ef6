"""Break goalkeeper in one line at a time, and see whether the tests that should notice do.

`python -m tests.mutation [NAME ...]` runs every mutation of mutations.yaml, or those whose name
contains one of the arguments. Each is applied to a copy of the checkout, so nothing here changes.
Exit code 0: every mutation was caught, but for those that are listed with a reason to survive.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutations import ROOT, Mutation, load

COPIED = ("src", "tests", "docs", "examples", "benchmarks", "pyproject.toml", "mkdocs.yml")
SECONDS = 600  # a mutation that makes a test hang is caught by the limit of that test, before this
ALL_SECONDS = 3600  # for all tests together, without any mutation, in one process
TAIL = 30  # lines of pytest's output that are shown when the tests fail without any mutation
# Exit codes of pytest: a test failed, all passed. Any other means that no test gave an answer.
FAILED, PASSED = 1, 0


@dataclass(frozen=True, slots=True)
class TestRun:
    """How pytest ended: its exit code (-1 where it was stopped), its output, and the seconds."""

    __test__ = False

    code: int
    output: str
    seconds: float


def copy_checkout(folder: Path) -> Path:
    """Copy what the tests need into `folder`, without byte code that could hide a mutation."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)
    return folder


def run_tests(checkout: Path, tests: Sequence[str], seconds: float = SECONDS) -> TestRun:
    """Run tests in a copy of the checkout until one fails."""
    environment = os.environ | {
        "PYTHONPATH": str(checkout / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",  # two mutations of one second would share byte code
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", *tests]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=checkout,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TestRun(-1, f"stopped after {seconds:.0f} s", time.perf_counter() - start)
    return TestRun(done.returncode, done.stdout, time.perf_counter() - start)


def try_mutation(checkout: Path, mutation: Mutation) -> TestRun:
    """Apply one mutation, run its tests and undo it."""
    path = checkout / mutation.file
    original = path.read_text(encoding="utf-8")
    path.write_text(mutation.applied(original), encoding="utf-8")
    try:
        return run_tests(checkout, mutation.tests)
    finally:
        path.write_text(original, encoding="utf-8")


def describe(mutation: Mutation, run: TestRun) -> str:
    """Say in one line how a mutation ended, and after how many seconds."""
    ended = {FAILED: "caught", PASSED: "SURVIVED"}.get(
        run.code, f"NO ANSWER (pytest ended with {run.code})"
    )
    if run.code == PASSED and mutation.survives:
        ended = f"survives: {mutation.survives}"
    return f"{run.seconds:5.1f} s  {mutation.name}: {ended}"


def main(names: list[str]) -> int:
    """Try the mutations, print how each ended, and return the exit code."""
    chosen = [m for m in load() if not names or any(name in m.name for name in names)]
    start, workers = time.perf_counter(), os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        copies: SimpleQueue[Path] = SimpleQueue()
        for i in range(workers):
            copies.put(copy_checkout(Path(scratch) / str(i)))

        def tried(mutation: Mutation) -> TestRun:
            checkout = copies.get()
            try:
                return try_mutation(checkout, mutation)
            finally:
                copies.put(checkout)

        untouched = copies.get()
        every = sorted({test for m in chosen for test in m.tests})
        before = run_tests(untouched, every, ALL_SECONDS)
        if before.code != PASSED:
            print(*before.output.splitlines()[-TAIL:], sep="\n")
            print("the tests fail without any mutation; make them pass first")
            return 1
        copies.put(untouched)
        with ThreadPoolExecutor(workers) as pool:
            runs = []
            for mutation, run in zip(chosen, pool.map(tried, chosen), strict=True):
                runs.append(run)
                print(describe(mutation, run), flush=True)
    return conclude(chosen, runs, time.perf_counter() - start)


def conclude(chosen: Sequence[Mutation], runs: Sequence[TestRun], seconds: float) -> int:
    """Print how many mutations were caught; returns the exit code."""
    caught = sum(run.code == FAILED for run in runs)
    explained = sum(
        run.code == PASSED and bool(m.survives) for m, run in zip(chosen, runs, strict=True)
    )
    print(
        f"{caught} of {len(chosen)} mutations caught, {explained} survive for a stated reason; "
        f"{seconds / 60:.1f} minutes"
    )
    return 0 if caught + explained == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
