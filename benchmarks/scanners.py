"""Look for code in model files: payloads that are called clean, ordinary files that are not.

Every scanner sees the same files: those of `tests/opening/payloads.py`, which all run code, and
those of `tests/opening/ordinary.py`, which run none. A file that a scanner cannot read counts as
flagged. Peers that are not installed are skipped; `--python` names the interpreter of an
environment that has them.

    python -m benchmarks.scanners --python peers/bin/python
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from goalkeeper.opening import scan
from tests.opening import ordinary
from tests.opening.payloads import payloads

# Each prints a JSON list with whether a file is flagged, for the files listed in sys.argv[1].
COMMON = "import json, sys\nfiles = json.load(open(sys.argv[1]))\nflagged = []\n"
PEERS = {
    "picklescan": """
from picklescan.scanner import scan_file_path
def look(path):
    found = scan_file_path(path)
    return bool(found.infected_files or found.scan_err)
""",
    "modelscan": """
from modelscan.modelscan import ModelScan
def look(path):
    scanner = ModelScan()
    found = scanner.scan(path)
    skipped = found["summary"]["skipped"]["total_skipped"]
    return bool(scanner.issues.all_issues or found["errors"] or skipped)
""",
    "fickling": """
import fickling
def look(path):
    return not fickling.is_likely_safe(path)
""",
    "modelaudit_picklescan": """
from modelaudit_picklescan import scan_file
def look(path):
    found = scan_file(path, enrich_call_graph=False)
    return found.verdict.value != "clean"
""",
}  # fmt: skip
LOOP = """
import contextlib, io
for path in files:
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            flagged.append(bool(look(path)))
    except Exception:
        flagged.append(True)
print(json.dumps(flagged))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bad = [payload.content for payload in payloads(root / "marker")]
        good = [file.content for file in ordinary.files()]
        files = [written(root, i, content) for i, content in enumerate(bad + good)]
        rows = [row("goalkeeper", *ours(bad + good), len(bad))]
        for name, code in PEERS.items():
            found = flagged_by(options.python, code, files, root)
            if found is None:
                print(f"{name}: not installed, skipped")
            else:
                rows.append(row(name, *found, len(bad)))
    if options.json:
        options.json.write_text(json.dumps(rows))


def written(root: Path, number: int, content: bytes) -> str:
    path = root / f"{number}.pkl"
    path.write_bytes(content)
    return str(path)


def ours(contents: list[bytes]) -> tuple[list[bool], float]:
    start = time.perf_counter()
    flagged = [scan(content).suspicious for content in contents]
    return flagged, time.perf_counter() - start


def flagged_by(
    python: str, code: str, files: list[str], root: Path
) -> tuple[list[bool], float] | None:
    listed = root / "files.json"
    listed.write_text(json.dumps(files))
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-c", COMMON + code + LOOP, str(listed)],
        capture_output=True, text=True, check=False, cwd=root,
    )  # fmt: skip
    if done.returncode:
        return None
    found: list[bool] = json.loads(done.stdout.splitlines()[-1])
    return found, time.perf_counter() - start


def row(name: str, flagged: list[bool], seconds: float, payload_count: int) -> dict[str, Any]:
    missed = payload_count - sum(flagged[:payload_count])
    alarms, clean = sum(flagged[payload_count:]), len(flagged) - payload_count
    note = (
        f"{missed} of {payload_count} payloads called clean; {alarms} of {clean} ordinary files "
        "flagged"
    )
    print(f"{name:24} {note}; {seconds:.1f} s")
    goal = "0 and 0" if name == "goalkeeper" else ""
    return {"figure": name, "ours_s": seconds, "goal": goal, "note": note}


if __name__ == "__main__":
    main()
