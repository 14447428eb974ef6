"""Run every benchmark of this folder: `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for script in sorted(Path(__file__).parent.glob("*.py")):
    if not script.name.startswith("_"):
        print(f"\n=== {script.stem} ===", flush=True)
        subprocess.run([sys.executable, str(script), *sys.argv[1:]], check=True)
