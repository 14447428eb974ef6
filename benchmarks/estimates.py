"""Compare the estimates of time and queries with what plays took, and learn from it.

Plays every unit of some applications one after the other and notes what each took; `--write` then
writes `src/goalkeeper/estimates.csv`. The table says how far estimates of applications are off
that were left out when the factors were learnt.

    python -m benchmarks.estimates DIR/application.yaml ...   # default: the bundled examples
    python -m benchmarks.estimates --write
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from goalkeeper.assessing import prepare
from goalkeeper.core.evidence import Status
from goalkeeper.describe import load, load_policy
from goalkeeper.estimate import measure
from goalkeeper.examples import write_example
from goalkeeper.playing import play

TABLE = Path(__file__).parents[1] / "src" / "goalkeeper" / "estimates.csv"
NOTE = Path("build/bench/took.json")
EXAMPLES = ("spam-filter", "cancer-treatment", "digit-reader")
KINDS = ("machine", "row", "single", "model", "fit")
Took = dict[str, Any]  # attack, application, took, bound and asked queries, pace


def main() -> None:
    options = parsed()
    notes: list[Took] = json.loads(options.note.read_text()) if options.note.exists() else []
    for file in options.files or ([] if notes else examples()):
        notes = [n for n in notes if n["application"] != file.parent.name + "/" + file.name]
        notes += played(file)
        options.note.parent.mkdir(parents=True, exist_ok=True)
        options.note.write_text(json.dumps(notes))
    rows = report(notes)
    if options.json:
        options.json.write_text(json.dumps(rows))
    if options.write:
        write(notes)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="application files to play")
    parser.add_argument("--note", type=Path, default=NOTE, help="where what was measured is kept")
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    parser.add_argument("--write", action="store_true", help="write the factors of the package")
    return parser.parse_args()


def examples() -> list[Path]:
    """Write the bundled examples afresh."""
    files = []
    for name in EXAMPLES:
        folder = NOTE.parent / name
        shutil.rmtree(folder, ignore_errors=True)
        write_example(name, folder)
        files.append(folder / "application.yaml")
    return files


def played(file: Path) -> list[Took]:
    """Play every unit of an application."""
    policy = load_policy(file)
    with threadpool_limits(limits=1):
        app = load(file, policy=policy)
        session = prepare(app, policy=policy)
        pace = asdict(measure(app))
        found, start = [], time.perf_counter()
        for unit in session.plan.units:
            result = play(session.app, unit.round)
            if result.status is Status.FAILED_TO_RUN:
                print(f"{file}: {unit.attack} failed: {result.reason}")
                continue
            found.append(
                {
                    "application": file.parent.name + "/" + file.name,
                    "attack": unit.attack,
                    "took": result.took,
                    "bound": float(unit.estimate.queries),
                    "models": unit.estimate.models,
                    "asked": float(result.cost.queries),
                    "pace": pace,
                }
            )
        print(f"{file}: {len(found)} plays in {time.perf_counter() - start:.0f} s")
    return found


def learnt(notes: Iterable[Took]) -> dict[str, tuple[str, float, float, float, int]]:
    """Choose for each attack what its time follows: where its factors agree best (in logarithms).

    An attack seen on a single application is told by the machine's pace, or, where its game
    trains, by that of training.
    """
    grouped = defaultdict(list)
    for note in notes:
        grouped[note["attack"]].append(note)
    return {attack: _factor(rows) for attack, rows in sorted(grouped.items())}


def _factor(rows: Sequence[Took]) -> tuple[str, float, float, float, int]:
    applications = len({r["application"] for r in rows})
    kinds = KINDS if applications > 1 else ("model" if rows[0]["models"] else "machine",)
    fits = []
    for kind in kinds:
        pace = np.array([r["pace"][kind] for r in rows])
        if (pace > 0).all():
            logs = np.log([r["took"] for r in rows]) - np.log(pace)
            spread = float(np.exp(np.abs(logs - logs.mean()).max()))
            fits.append((spread, kind, float(np.exp(logs.mean()))))
    spread, kind, factor = min(fits)
    asked = [r["asked"] / r["bound"] for r in rows if r["bound"] > 0 and np.isfinite(r["bound"])]
    queries = float(np.exp(np.mean(np.log(np.maximum(asked, 1e-4))))) if asked else 1.0
    return kind, factor, spread, queries, applications


def report(notes: Sequence[Took]) -> list[dict[str, object]]:
    """Estimate each application from the others."""
    rows: list[dict[str, object]] = []
    names = sorted({n["application"] for n in notes})
    print(f"{'application':44}{'plays':>6}{'took':>9}{'estimate':>10}{'ratio':>7}{'in 2x':>7}")
    for name in names:
        own = [n for n in notes if n["application"] == name]
        known = learnt([n for n in notes if n["application"] != name])
        guesses = [_estimated(n, known) for n in own]
        took = [n["took"] for n in own]
        close = np.mean([max(a / b, b / a) <= 2 for a, b in zip(guesses, took, strict=True)])
        total, guess = sum(took), sum(guesses)
        print(f"{name:44}{len(own):6}{total:9.1f}{guess:10.1f}{guess / total:7.2f}{close:7.0%}")
        rows.append(
            {
                "figure": f"{name}: estimated before, from other applications",
                "ours_s": guess,
                "peer": "what it took",
                "peer_s": total,
                "ratio": total / guess,
                "goal": "0.5 to 2",
                "note": f"{close:.0%} of {len(own)} plays within a factor of two",
            }
        )
    return rows


def _estimated(note: Took, known: dict[str, tuple[str, float, float, float, int]]) -> float:
    if note["attack"] in known:
        kind, factor = known[note["attack"]][:2]
        return float(factor * note["pace"][kind])
    pace = note["pace"]
    bound = note["bound"] if np.isfinite(note["bound"]) else 0.0
    return float(pace["machine"] + bound * pace["row"] + note["models"] * pace["model"])


def write(notes: Sequence[Took]) -> None:
    """Write the table of the package."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["attack", "of", "factor", "spread", "queries", "applications"])
        for attack, (of, factor, spread, queries, seen) in learnt(notes).items():
            out.writerow([attack, of, f"{factor:.4g}", f"{spread:.3g}", f"{queries:.3g}", seen])
    print(f"written: {TABLE}")


if __name__ == "__main__":
    main()
