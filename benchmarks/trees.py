"""Trees and boosting on many subsets: two processes with one thread each, against one.

Nothing is batched here: every model is trained by its library, and the bound is the library's
time divided by the number of cores. Wall seconds, interleaved, medians; processes are started
before. The scores of both ways are compared bit for bit. "own threads" is the plain loop in which
the library takes as many threads as it likes; "models back" is the time in which a process packs
its fitted models and this one unpacks them. "more CPU" is what two processes computed beyond one,
all processes counted: where it is next to nothing and the ratio is far below 2, the machine had
no second core to give (on a busy one, forests reached 0.9 to 1.9 with 0 to 17% more CPU).

    python -m benchmarks.trees [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from xgboost import XGBClassifier

from benchmarks._timing import timed
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.training import SklearnTrainer

ROWS, COLUMNS = 10_000, 40
GOAL = 1.6
ESTIMATORS: dict[str, Any] = {
    "random forest, 30 trees": RandomForestClassifier(n_estimators=30),
    "scikit-learn boosting, 100 trees": HistGradientBoostingClassifier(early_stopping=False),
    "LightGBM, 100 trees": LGBMClassifier(verbose=-1),
    "XGBoost, 100 trees": XGBClassifier(),
}


def main() -> None:
    options = parsed()
    x, y = make_classification(ROWS, COLUMNS, n_informative=12, random_state=0)
    data = Data(x=x, y=y.astype(np.int64))
    masks = np.random.default_rng(0).random((options.models, ROWS)) < 0.5
    fit(ESTIMATORS["LightGBM, 100 trees"], data, masks[:8], 2)  # starts the processes
    rows = []
    for name, estimator in ESTIMATORS.items():
        rows += figures(name, estimator, data, masks, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def fit(estimator: Any, data: Data, masks: Bools, jobs: int) -> Any:
    """Train as goalkeeper does."""
    domain = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(COLUMNS)))
    trainer = SklearnTrainer(estimator, ("no", "yes"), domain, compute=ComputeSettings(jobs=jobs))
    return trainer.fit_many(data, masks, range(len(masks)))


def figures(
    name: str, estimator: Any, data: Data, masks: Bools, rounds: int
) -> list[dict[str, Any]]:
    """Time one estimator, print the lines and return them."""
    alone, shared = (fit(estimator, data, masks[:4], jobs) for jobs in (1, 2))
    if not np.array_equal(alone.scores(data.x[:500]), shared.scores(data.x[:500])):
        raise SystemExit(f"{name}: two processes gave other scores than one")
    spent: dict[str, list[float]] = {"two": [], "one": []}
    taken = timed({
        "two": lambda: counted(lambda: fit(estimator, data, masks, 2), spent["two"]),
        "one": lambda: counted(lambda: fit(estimator, data, masks, 1), spent["one"]),
        "plain": lambda: [clone(estimator).fit(data.x[m], data.y[m]) for m in masks],
    }, rounds, "wall")  # fmt: skip
    back = returned(shared.target(0), len(masks)) / taken["one"]
    more = np.median(spent["two"]) / np.median(spent["one"]) - 1
    note = f"{len(masks)} models; {more:+.0%} more CPU; models back: {back:.1%} of one process"
    rows = [
        row(name, taken, "one", "one process, one thread", f">= {GOAL}x", note),
        row(name, taken, "plain", "plain loop, own threads", "", note),
    ]
    for line in rows:
        print(f"{line['figure']:36}{line['ours_s']:8.2f} s  {line['peer']:26}"
              f"{line['peer_s']:8.2f} s{line['ratio']:7.2f}x  {line['note']}")  # fmt: skip
    return rows


def counted(run: Callable[[], Any], spent: list[float]) -> None:
    """Note the CPU seconds of some work, in this process and in those that it started."""
    before = cpu()
    run()
    spent.append(cpu() - before)


def cpu() -> float:
    """Read the CPU seconds of this process and of those that it started, as long as they live."""
    this = psutil.Process()
    times = [process.cpu_times() for process in (this, *this.children(recursive=True))]
    return float(sum(t.user + t.system for t in times))


def row(
    name: str, taken: dict[str, float], peer: str, said: str, goal: str, note: str
) -> dict[str, Any]:
    ratio = taken[peer] / taken["two"]
    return {
        "figure": name,
        "ours_s": taken["two"],
        "peer": said,
        "peer_s": taken[peer],
        "ratio": ratio,
        "goal": goal,
        "note": note,
    }


def returned(target: Any, models: int) -> float:
    """Measure the seconds in which so many fitted models are packed and unpacked."""
    start = time.perf_counter()
    pickle.loads(pickle.dumps(target))  # noqa: S301 - it was made here
    return (time.perf_counter() - start) * models


if __name__ == "__main__":
    main()
