"""Time default runs until their verdicts, and compare these with those of exhaustive runs.

Runs `goalkeeper run` on application files, without a store, and prints for each: seconds by the
clock and CPU seconds of all processes, when the first goal was decided, how many attack runs were
made, and which share of their time served no verdict (begun ahead, and not counted). `--compare`
runs each application exhaustively, too, and counts verdicts that differ.

    python -m benchmarks.verdicts DIR/application.yaml ...      # default: the bundled examples
    python -m benchmarks.verdicts --compare --seeds 2
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from goalkeeper.compute.folder import RunFolder
from goalkeeper.core.assessment import Assessment
from goalkeeper.examples import write_example

FOLDER = Path("build/bench/verdicts")
EXAMPLES = ("spam-filter", "cancer-treatment", "digit-reader")
DECIDED = ": not met; attack runs that only count for it are left out"
CONTRADICTION = {"met", "not_met"}
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="application files")
    parser.add_argument("--compare", action="store_true", help="with exhaustive runs")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0 to this, less one")
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    asked = parser.parse_args()
    rows: list[Row] = []
    pairs: list[tuple[str, str]] = []
    for file in asked.files or _examples():
        for seed in range(asked.seeds):
            rows.append(_run(file, seed))
            if asked.compare:
                other = _run(file, seed, "--exhaustive")
                rows[-1]["exhaustive_s"] = other["wall_s"]
                pairs += list(zip(rows[-1]["verdicts"], other["verdicts"], strict=True))
    if asked.compare:
        agreed = sum(mine == theirs for mine, theirs in pairs)
        contradict = sum({mine, theirs} == CONTRADICTION for mine, theirs in pairs)
        print(f"{agreed} of {len(pairs)} verdicts agree, {contradict} contradict", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([_figure(row) for row in rows]))


def _examples() -> Iterable[Path]:
    for name in EXAMPLES:
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        yield write_example(name, FOLDER / name)


def _run(file: Path, seed: int, *flags: str) -> Row:
    """Run an application in a process of its own, and print a line."""
    folder = FOLDER / f"run-{file.parent.name}-{seed}{''.join(flags)}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "goalkeeper", "run", str(file), "-o", str(folder)]
    command += ["--no-store", "--seed", str(seed), *flags]
    begun, decided, said = time.monotonic(), list[float](), list[str]()
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stderr or ():
            said.append(line)
            if DECIDED in line:
                decided.append(time.monotonic() - begun)
        used = os.wait4(process.pid, 0)[2]
    if not (folder / "assessment.json").exists():
        sys.exit(f"{' '.join(command)} failed:\n{''.join(said)}")
    found = RunFolder(folder).assessment()
    goals = sorted(found.goals.items())
    row = {
        "application": file.parent.name,
        "flags": " ".join(flags),
        "seed": seed,
        "wall_s": round(time.monotonic() - begun, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "first_decided_s": round(decided[0], 1) if decided else None,
        "runs": len(list((folder / "units").glob("*.json"))),
        "idle": round(_idle(folder, found), 3),
        "complete": found.complete,
        "verdicts": [rating.verdict.value for _, rating in goals],
        "risk": [f"{goal} {r.risk.low:g} to {r.risk.high:g}" for goal, r in goals],
    }
    print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)
    return row


def _idle(folder: Path, found: Assessment) -> float:
    """Return the share of the time of attack runs that served no verdict."""
    served = {e.unit for e in found.evidence}
    served |= {row.interim for row in found.plan if row.unit in served}
    kept = RunFolder(folder)
    results = {p.stem: kept.load(p.stem) for p in (folder / "units").glob("*.json")}
    took = {unit: float(result.took) for unit, result in results.items() if result}
    return sum(t for unit, t in took.items() if unit not in served) / max(1e-9, sum(took.values()))


def _figure(row: Row) -> Row:
    first = row["first_decided_s"]
    return {
        "figure": f"{row['application']}: verdicts of a default run",
        "ours_s": row["wall_s"],
        "peer": "exhaustive run" if "exhaustive_s" in row else "",
        "peer_s": row.get("exhaustive_s"),
        "ratio": row["exhaustive_s"] / row["wall_s"] if "exhaustive_s" in row else None,
        "goal": "at most 900 s",
        "note": f"{row['cpu_s']} CPU s, {row['runs']} attack runs, first goal decided after "
        f"{first} s, {row['idle']:.0%} of their time served no verdict; "
        f"{', '.join(row['verdicts'])}; risk: {', '.join(row['risk'])}",
    }


if __name__ == "__main__":
    main()
