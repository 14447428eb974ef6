"""The benchmarks start, whatever else is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


# Opacus installs a package of the same name, which hid ours while that was a mere folder.
def test_benchmarks_are_ours() -> None:
    found = "import benchmarks; print(benchmarks.__file__)"
    command = [sys.executable, "-c", found]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert Path(printed.strip()) == ROOT / "benchmarks" / "__init__.py"
