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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutations import ROOT, Mutation, load

COPIED = ("src", "tests", "docs", "examples", "benchmarks", "pyproject.toml", "mkdocs.yml")
SECONDS = 600  # a mutation that makes a test hang is caught by the limit of that test, before this
FAILED, PASSED = 1, 0  # exit codes of pytest; any other means that no test gave an answer


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


def run_tests(checkout: Path, tests: tuple[str, ...]) -> int:
    """Run tests in a copy of the checkout; returns the exit code of pytest."""
    environment = os.environ | {
        "PYTHONPATH": str(checkout / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",  # two mutations of one second would share byte code
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=checkout,
            env=environment,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1
    return done.returncode


def try_mutation(checkout: Path, mutation: Mutation) -> int:
    """Apply one mutation, run its tests and undo it; returns the exit code of pytest."""
    path = checkout / mutation.file
    original = path.read_text(encoding="utf-8")
    path.write_text(mutation.applied(original), encoding="utf-8")
    try:
        return run_tests(checkout, mutation.tests)
    finally:
        path.write_text(original, encoding="utf-8")


def describe(mutation: Mutation, code: int) -> str:
    """Say in one line how a mutation ended."""
    ended = {FAILED: "caught", PASSED: "SURVIVED"}.get(
        code, f"NO ANSWER (pytest ended with {code})"
    )
    if code == PASSED and mutation.survives:
        ended = f"survives: {mutation.survives}"
    return f"{mutation.name}: {ended}"


def main(names: list[str]) -> int:
    """Try the mutations, print how each ended, and return the exit code."""
    chosen = [m for m in load() if not names or any(name in m.name for name in names)]
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        copies: SimpleQueue[Path] = SimpleQueue()
        for i in range(workers):
            copies.put(copy_checkout(Path(scratch) / str(i)))

        def tried(mutation: Mutation) -> int:
            checkout = copies.get()
            try:
                return try_mutation(checkout, mutation)
            finally:
                copies.put(checkout)

        untouched = copies.get()
        every = tuple(sorted({test for m in chosen for test in m.tests}))
        if run_tests(untouched, every) != PASSED:
            print("the tests fail without any mutation; make them pass first")
            return 1
        copies.put(untouched)
        with ThreadPoolExecutor(workers) as pool:
            codes = []
            for mutation, code in zip(chosen, pool.map(tried, chosen), strict=True):
                codes.append(code)
                print(describe(mutation, code), flush=True)
    caught = codes.count(FAILED)
    explained = sum(
        code == PASSED and bool(m.survives) for m, code in zip(chosen, codes, strict=True)
    )
    print(f"{caught} of {len(chosen)} mutations caught, {explained} survive for a stated reason")
    return 0 if caught + explained == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
