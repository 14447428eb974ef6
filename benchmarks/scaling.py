"""How the time of `fit_many` grows with the number of models and of records, and the exponents.

Every point trains models on random halves of synthetic records and asks each about 1,000 others,
with one thread; the median of process CPU seconds of a few rounds. An exponent is the slope of
the logarithms over the last three points: 1 is proportional.

    python -m benchmarks.scaling --plot docs/img/scaling.svg
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from threadpoolctl import threadpool_limits

from goalkeeper.core.application import Trainer
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.training import SklearnTrainer, TorchRecipe, TorchTrainer

MODELS = (1, 3, 10, 32, 100, 316, 1000)
ROWS = (1_000, 3_000, 10_000, 31_600, 100_000, 316_000, 1_000_000)
COLUMNS, ASKED = 32, 1000
FEW_ROWS, FEW_MODELS = 3_000, 8
DOMAIN = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(COLUMNS)))
CLASSES = ("a", "b")


def network() -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(COLUMNS, 32), nn.ReLU(), nn.Linear(32, 2))


KINDS: dict[str, Callable[[], Trainer]] = {
    "naive Bayes": lambda: SklearnTrainer(MultinomialNB(), CLASSES, DOMAIN),
    "logistic regression": lambda: SklearnTrainer(LogisticRegression(), CLASSES, DOMAIN),
    "MLP 32-32-2, 2 epochs": lambda: TorchTrainer(
        network, CLASSES, DOMAIN, TorchRecipe(epochs=2, batch=256, optimiser="sgd", rate=0.1)
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=float, default=60.0, help="seconds of the longest point")
    parser.add_argument("--plot", type=Path, help="write a figure")
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    options = parser.parse_args()
    with threadpool_limits(limits=1):
        lines = measured(options.rounds, options.most)
    rows = [row for what, points in lines.items() for row in told(*what, points)]
    if options.json:
        options.json.write_text(json.dumps(rows))
    if options.plot:
        plot(lines, options.plot)


Lines = dict[tuple[str, str], list[tuple[int, float]]]


def measured(rounds: int, most: float) -> Lines:
    """Time every kind against models and rows; a line ends before its points take too long."""
    lines: Lines = {}
    for kind, make in KINDS.items():
        seconds(make(), 2, FEW_ROWS, 1)  # what it imports is imported
        for axis, sizes in (("models", MODELS), ("records", ROWS)):
            points: list[tuple[int, float]] = []
            for size in sizes:
                models, rows = (size, FEW_ROWS) if axis == "models" else (FEW_MODELS, size)
                points.append((size, seconds(make(), models, rows, rounds)))
                if points[-1][1] * 4 > most:
                    break
            lines[kind, axis] = points
    return lines


def seconds(trainer: Trainer, models: int, rows: int, rounds: int) -> float:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, rows)
    x = rng.poisson(1.0 + 0.3 * y[:, None] * (np.arange(COLUMNS) < 8), (rows, COLUMNS))
    data = Data(x=x.astype(np.float64), y=y)
    masks = rng.random((models, rows)) < 0.5
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        trainer.fit_many(data, masks, range(models)).scores(data.x[:ASKED])
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def exponent(points: Sequence[tuple[int, float]]) -> float:
    size, taken = np.log(np.array(points[-3:])).T
    return float(np.polyfit(size, taken, 1)[0])


def told(kind: str, axis: str, points: Sequence[tuple[int, float]]) -> list[dict[str, object]]:
    said = "  ".join(f"{size:,}: {taken:.3g} s" for size, taken in points)
    print(f"{kind} over {axis}: exponent {exponent(points):.2f}\n  {said}")
    return [
        {
            "figure": f"{kind} over {axis}: exponent {exponent(points):.2f}",
            "ours_s": points[-1][1],
            "note": said,
        }
    ]


def plot(lines: Lines, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for axis, name in zip(axes, ("models", "records"), strict=True):
        for (kind, over), points in lines.items():
            if over == name:
                axis.loglog(*zip(*points, strict=True), marker="o", label=kind)
        axis.set_xlabel(name)
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].set_ylabel("CPU seconds")
    axes[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
