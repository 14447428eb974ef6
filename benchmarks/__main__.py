"""Run the benchmarks of this folder, each in a process of its own: `make bench`.

    python -m benchmarks                 # all of them
    python -m benchmarks linear trees    # some
    python -m benchmarks --write         # and write what all of them found to docs/benchmarks.md

What a benchmark found is kept in build/bench/NAME.json, so that one can be run again alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOUND = HERE.parent / "build" / "bench"
PAGE = HERE.parent / "docs" / "benchmarks.md"
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "xgboost-cpu", "lightgbm", "distributed")
INTRODUCTION = """# Benchmarks

<!-- Written by `python -m benchmarks --write`; do not edit. -->

goalkeeper beside the usual ways to do the same, measured in one run: methods take turns, round by
round, and figures are medians. Answers are compared before times are. A ratio is the peer's time
over ours. A goal that is missed stays in the table.

Machines are noisy: ratios below 1.3 are not established by one run. Run them on yours with
`make bench`; `python -m benchmarks.NAME --help` says what one of them can be given.
"""


def main() -> None:
    known = sorted(p.stem for p in HERE.glob("*.py") if not p.name.startswith("_"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(known)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; choose from {', '.join(known)}")
    FOUND.mkdir(parents=True, exist_ok=True)
    failed = [name for name in options.names or known if not ran(name)]
    if options.write:
        write(known)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def ran(name: str) -> bool:
    print(f"\n=== {name} ===", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(FOUND / f"{name}.json")]
    return subprocess.run(command, check=False, cwd=HERE.parent).returncode == 0


def write(names: list[str]) -> None:
    """Write the page from what is kept; what was not measured anew stays as it stands there."""
    parts, before = [INTRODUCTION, machine()], PAGE.read_text(encoding="utf-8")
    for name in names:
        file = FOUND / f"{name}.json"
        if file.exists():
            parts.append(section(name, json.loads(file.read_text())))
        elif (begin := before.find(f"{heading(name)}\n")) >= 0:
            parts.append(before[begin:].partition("\n## ")[0].rstrip() + "\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {PAGE}")


def machine() -> str:
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return f"Measured on {os.cpu_count()} cores ({platform.machine()}), {', '.join(found)}.\n"


def heading(name: str) -> str:
    return f"## {name.replace('_', ' ').capitalize()}"


def section(name: str, rows: list[dict[str, Any]]) -> str:
    module = (HERE / f"{name}.py").read_text(encoding="utf-8")
    about = module.split('"""')[1].split("\n\n")[0].strip()
    lines = [heading(name), "", about, ""]
    lines += ["| figure | ours | peer | its | ratio | goal | note |", "| --- " * 7 + "|"]
    lines += [
        "| "
        + " | ".join(
            [
                row["figure"],
                seconds(row.get("ours_s")),
                row.get("peer", ""),
                seconds(row.get("peer_s")),
                "" if row.get("ratio") is None else f"{row['ratio']:.2f}",
                str(row.get("goal", "")),
                row.get("note", ""),
            ]
        )
        + " |"
        for row in rows
    ]
    picture = PAGE.parent / "img" / f"{name}.svg"
    if picture.exists():
        lines += ["", f"![{name}](img/{picture.name})"]
    return "\n".join([*lines, ""])


def seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


if __name__ == "__main__":
    main()
