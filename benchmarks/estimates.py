"""Compare the estimates of time and queries with actual attack runs, and record what they cost.

Plays every unit of some applications one after the other and notes what each took, in CPU seconds;
`--write` then writes `src/goalkeeper/estimates.csv`. The table says how far estimates are off: with
the table as it is shipped, which was learnt from the bundled examples on an earlier day, and from
the other applications alone. Some of those share their data with the one that is left out, and have
another model.

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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy.optimize import nnls

from goalkeeper.assessing import prepare
from goalkeeper.attack_run import execute
from goalkeeper.compute.threads import one_thread
from goalkeeper.core.evidence import Status
from goalkeeper.describe import load, load_policy
from goalkeeper.estimate import KINDS, TRAININGS, Experience, load_experience, measure_times
from goalkeeper.examples import write_example
from goalkeeper.planning import Choice
from goalkeeper.training import FunctionTrainer, SklearnTrainer, TorchTrainer

TABLE = Path(__file__).parents[1] / "src" / "goalkeeper" / "estimates.csv"
NOTE = Path("build/bench/took.json")
# The functions of each that build a model; the first is what its application file names.
EXAMPLES = {
    "spam-filter": ("build", "build_bayes"),
    "cancer-treatment": ("build", "build_forest", "build_xgboost"),
    "digit-reader": ("build",),
}
PULL = 0.1  # towards equal parts, in attack runs
Took = dict[str, Any]  # attack, application, took, bound and asked queries, pace


def main() -> None:
    options = parsed()
    notes: list[Took] = json.loads(options.note.read_text()) if options.note.exists() else []
    everything = Choice(exhaustive=True)  # of small examples; of others what decides a verdict
    for file in options.files or ([] if notes else examples()):
        notes = [n for n in notes if n["application"] != file.parent.name + "/" + file.name]
        notes += result(file, Choice() if options.files else everything)
        options.note.parent.mkdir(parents=True, exist_ok=True)
        options.note.write_text(json.dumps(notes))
    rows = report(notes)
    if options.json:
        options.json.write_text(json.dumps(rows))
    if options.write:
        write(notes)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="application files to run")
    parser.add_argument("--note", type=Path, default=NOTE, help="where what was measured is kept")
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    parser.add_argument("--write", action="store_true", help="write the factors of the package")
    return parser.parse_args()


def examples() -> list[Path]:
    """Write the bundled examples afresh, with every model that they suggest."""
    files = []
    for name, models in EXAMPLES.items():
        folder = NOTE.parent / name
        shutil.rmtree(folder, ignore_errors=True)
        first = write_example(name, folder)
        text = first.read_text("utf-8")
        files += [first, *folder.glob("network.yaml")]
        for model in models[1:]:
            files.append(folder / f"{model}.yaml")
            files[-1].write_text(text.replace(":build ", f":{model} "), "utf-8")
    return files


def result(file: Path, choice: Choice) -> list[Took]:
    """Play every unit of an application, at its full size."""
    policy = load_policy(file)
    with one_thread(), noting_trainings() as trained:
        app = load(file, policy=policy)
        session = prepare(app, policy=policy, choice=choice)
        pace = asdict(measure_times(app))
        found, start = [], time.perf_counter()
        for unit in session.plan.units:
            trained.clear()
            before = time.process_time()  # others may use this machine, too
            result = execute(session.app, unit.run)
            took = time.process_time() - before
            if result.status is Status.FAILED_TO_RUN:
                print(f"{file}: {unit.attack} failed: {result.reason}")
                continue
            found.append(
                {
                    "application": file.parent.name + "/" + file.name,
                    "attack": unit.attack,
                    "task": unit.run.task.name,
                    "took": took,
                    "trains": bool(trained),
                    "bound": float(unit.estimate.queries),
                    "models": unit.estimate.models,
                    "asked": float(result.cost.queries),
                    "pace": pace,
                }
            )
        print(f"{file}: {len(found)} attack runs in {time.perf_counter() - start:.0f} s")
    return found


@contextmanager
def noting_trainings() -> Iterator[list[str]]:
    """Note each training of a model, whoever trains it: the attack, its marking or its control."""
    noted: list[str] = []

    def noting(train: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            noted.append(train.__qualname__)
            return train(*args, **kwargs)

        return wrapped

    with ExitStack() as stack:
        for kind in (SklearnTrainer, FunctionTrainer, TorchTrainer):
            for name in ("fit", "fit_many", "fit_steered", "update"):
                if hasattr(kind, name):
                    patched = mock.patch.object(kind, name, noting(getattr(kind, name)))
                    stack.enter_context(patched)
        yield noted


def learnt(notes: Iterable[Took]) -> dict[tuple[str, str], Experience]:
    """Learn what each attack takes for each task, and for all its tasks together (task "")."""
    grouped = defaultdict(list)
    for note in notes:
        grouped[note["attack"], ""].append(note)
        grouped[note["attack"], note["task"]].append(note)
    return {name: _known(rows) for name, rows in sorted(grouped.items())}


def _known(rows: Sequence[Took]) -> Experience:
    """Fit the time of attack runs as a sum of multiples of each operation time.

    Least squares of relative errors, no part negative. A few attack runs do not determine six
    multiples: each is pulled to an equal part, with the weight of a tenth of an attack run. What
    never trains a model takes nothing of what a training takes.
    """
    trains = any(row.get("trains", True) for row in rows)
    counted = [kind for kind in KINDS if trains or kind not in TRAININGS]
    paces = np.array([[row["pace"][kind] for kind in counted] for row in rows])
    took = np.array([row["took"] for row in rows])
    parts = paces / took[:, None]
    usual = np.where(parts.mean(axis=0) > 0, parts.mean(axis=0), 1.0)
    pull = np.sqrt(PULL) * np.eye(len(counted))
    left = np.vstack([parts / usual, pull])
    right = np.concatenate([np.ones(len(rows)), pull.sum(axis=0) / len(counted)])
    times = nnls(left, right)[0] / usual
    guessed = np.maximum(parts @ times, 1e-6)
    times /= np.exp(np.log(guessed).mean())
    off = np.log(np.maximum(parts @ times, 1e-6))
    asked = [r["asked"] / r["bound"] for r in rows if r["bound"] > 0 and np.isfinite(r["bound"])]
    return Experience(
        times=dict.fromkeys(KINDS, 0.0) | dict(zip(counted, times.tolist(), strict=True)),
        spread=float(np.exp(np.abs(off).max())),
        queries=float(np.exp(np.mean(np.log(np.maximum(asked, 1e-4))))) if asked else 1.0,
    )


def report(notes: Sequence[Took]) -> list[dict[str, object]]:
    """Estimate each application as `plan` does, and from the others that were noted alone."""
    rows: list[dict[str, object]] = []
    names = sorted({n["application"] for n in notes})
    print(f"{'application':44}{'runs':>6}{'took':>9}{'estimate':>10}{'ratio':>7}{'in 2x':>7}")
    for name in names:
        own = [n for n in notes if n["application"] == name]
        rows.append(_row(f"{name}: from the table as it is shipped", own, load_experience()))
        if len(names) > 1:
            others = learnt([n for n in notes if n["application"] != name])
            rows.append(_row(f"{name}: from other applications", own, others))
    return rows


def _row(
    figure: str, own: Sequence[Took], known: dict[tuple[str, str], Experience]
) -> dict[str, Any]:
    took = np.array([n["took"] for n in own])
    guesses = np.array([_estimated(n, known) for n in own])
    close = np.mean(np.maximum(guesses / took, took / guesses) <= 2)
    total, guess = float(took.sum()), float(guesses.sum())
    print(f"{figure:64}{len(own):5}{total:9.1f}{guess:10.1f}{guess / total:7.2f}{close:7.0%}")
    return {
        "figure": figure,
        "ours_s": guess,
        "peer": "what it took",
        "peer_s": total,
        "ratio": total / guess,
        "goal": "0.5 to 2",
        "note": f"{close:.0%} of {len(own)} attack runs within a factor of two",
    }


def _estimated(note: Took, table: dict[tuple[str, str], Experience]) -> float:
    name, pace = note["attack"], note["pace"]
    known = table.get((name, note["task"])) or table.get((name, ""))
    if known is not None:
        return float(sum(times * pace[kind] for kind, times in known.times.items()))
    bound = note["bound"] if np.isfinite(note["bound"]) else 0.0
    return float(pace["machine"] + bound * pace["row"] + note["models"] * pace["model"])


def write(notes: Sequence[Took]) -> None:
    """Write the table of the package; attacks that were not measured anew stay as they are."""
    table = load_experience() | learnt(notes)
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["attack", "task", *KINDS, "spread", "queries"])
        for name, known in sorted(table.items()):
            numbers = [*known.times.values(), known.spread, known.queries]
            out.writerow([*name, *(f"{number:.4g}" for number in numbers)])
    print(f"written: {TABLE}")


if __name__ == "__main__":
    main()
