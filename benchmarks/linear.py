"""Models of tables that are trained from sums and products, against scikit-learn in a loop.

Every model is trained on a random half of the rows and scores all rows; medians of process CPU
seconds, one thread, methods in turns. scikit-learn trains the first `--loop` models and its time is
scaled up; scores are compared on these. Logistic regression is compared at the largest entry of the
gradient of the mean loss ("gradient"), which scikit-learn's `tol` bounds. "Standardised" columns of
rare categories hold numbers above 100, which makes curvatures of subsets differ.

    python -m benchmarks.linear                        # a generated table in the shape of Adult
    python -m benchmarks.linear --data table.parquet   # a table whose last column is the label
    python -m benchmarks.linear --data adult.parquet --label label --drop split fnlwgt
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from threadpoolctl import threadpool_limits

from benchmarks._timing import timed
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer

OPTIMUM = {"tol": 1e-8, "max_iter": 10_000}
SOLVERS: dict[str, tuple[Any, dict[str, str]]] = {
    "scikit-learn lbfgs": (LogisticRegression(), {"full": ">= 4x", "fast": ">= 5x"}),
    "scikit-learn newton-cholesky, to its optimum": (
        LogisticRegression(solver="newton-cholesky", **OPTIMUM),
        {"full": ">= 10x"},
    ),
    "scikit-learn liblinear, to its optimum": (
        LogisticRegression(solver="liblinear", **OPTIMUM),
        {"full": ">= 10x"},
    ),
}
OTHERS: dict[str, Any] = {
    "Gaussian naive Bayes": GaussianNB(),
    "nearest centroids": NearestCentroid(),
    "linear discriminants": LinearDiscriminantAnalysis(),
    "ridge": RidgeClassifier(),
    "5 nearest neighbours": KNeighborsClassifier(),
}
NEAR = 2000  # rows of the nearest neighbours, whose loop takes minutes otherwise
CODES = (8, 16, 7, 14, 6, 5, 2, 41)  # categories of Adult's columns


def main() -> None:
    options = parsed()
    data = table(options)
    masks = np.random.default_rng(0).random((options.models, len(data))) < 0.5
    print(f"{len(data)} rows, {data.x.shape[1]} columns, {len(masks)} models on random halves")
    with threadpool_limits(limits=1):
        rows = logistic("logistic regression", data, masks, options)
        rows += logistic("logistic regression, standardised", standardised(data), masks, options)
        for name, final in OTHERS.items():
            near = isinstance(final, KNeighborsClassifier)
            used, kept = (data.take(np.arange(NEAR)), masks[:, :NEAR]) if near else (data, masks)
            rows.append(other(name, final, used, kept, options))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="parquet or CSV file")
    parser.add_argument("--label", help="the column that is predicted, the last if not given")
    parser.add_argument("--drop", nargs="*", default=[], help="columns that are not used")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--models", type=int, default=256)
    parser.add_argument("--loop", type=int, default=8, help="models of scikit-learn's loops")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    return parser.parse_args()


def table(options: argparse.Namespace) -> Data:
    """Read or make a table: numbers standardised, categories as columns of 0 and 1."""
    path = options.data
    if path is None:
        frame = generated(options.rows)
    else:
        frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    frame = frame.drop(columns=options.drop).dropna().iloc[: options.rows]
    if options.label:
        frame[options.label] = frame.pop(options.label)
    y = np.unique(frame.iloc[:, -1].astype(str), return_inverse=True)[1].astype(np.int64)
    inputs = frame.iloc[:, :-1]
    numbers = inputs.select_dtypes("number")
    codes = pd.get_dummies(inputs.select_dtypes(exclude="number")).astype(float)
    return Data(x=np.hstack([(numbers - numbers.mean()) / numbers.std(), codes]), y=y)


def standardised(data: Data) -> Data:
    """Give every column mean 0 and spread 1."""
    spread = data.x.std(axis=0)
    return Data(x=(data.x - data.x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), y=data.y)


def generated(rows: int) -> pd.DataFrame:
    """Make six numbers, some of them mostly 0, and categories of which some are rare."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 6)) + rng.normal(size=(rows, 1))
    numbers[:, 4:] = np.exp(3 * numbers[:, 4:]) * (rng.random((rows, 2)) < 0.08)
    frame = pd.DataFrame(numbers, columns=[f"number{j}" for j in range(6)])
    score = numbers[:, :3].sum(axis=1)
    for j, size in enumerate(CODES):
        share = 1 / np.arange(1, size + 1) ** 1.5
        drawn = rng.choice(size, rows, p=share / share.sum())
        frame[f"code{j}"] = [f"c{k}" for k in drawn]
        score += rng.normal(size=size)[drawn]
    noise = rng.logistic(size=rows)
    frame["label"] = np.where(score + noise > np.quantile(score, 0.75), "more", "less")
    return frame


def trained(final: Any, data: Data, masks: Bools, precision: str) -> Any:
    """Train as goalkeeper does."""
    domain = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(data.x.shape[1])))
    compute = ComputeSettings(precision="fast" if precision == "fast" else "full")
    trainer = SklearnTrainer(final, ("less", "more"), domain, compute=compute)
    return trainer.fit_many(data, masks, range(len(masks)))


def looped(final: Any, data: Data, masks: Bools) -> list[Any]:
    """Train and score as a loop does; the scores are thrown away."""
    models = [clone(final).fit(data.x[m], data.y[m]) for m in masks]
    for model in models:
        model.predict_proba(data.x) if hasattr(model, "predict_proba") else model.predict(data.x)
    return models


def logistic(
    title: str, data: Data, masks: Bools, options: argparse.Namespace
) -> list[dict[str, object]]:
    """Time logistic regression in both precisions against every solver."""
    some = options.loop
    few, scale = masks[:some], len(masks) / some

    def ours(precision: str) -> Callable[[], Any]:
        def run() -> Any:
            ensemble = trained(LogisticRegression(), data, masks, precision)
            ensemble.scores(data.x)
            return ensemble

        return run

    methods: dict[str, Callable[[], Any]] = {p: ours(p) for p in ("full", "fast")}
    methods |= {n: lambda f=f: looped(f, data, few) for n, (f, _) in SOLVERS.items()}
    taken = timed(methods, options.rounds)
    slopes = {n: slope([t.model for t in targets(methods[n](), some)], data, few)
              for n in ("full", "fast")}  # fmt: skip
    slopes |= {n: slope(methods[n](), data, few) for n in SOLVERS if "liblinear" not in n}
    rows = []
    for precision in ("full", "fast"):
        for name, (_, goals) in SOLVERS.items():
            its = f"{slopes[name]:.0e}" if name in slopes else "of another objective"
            row = {
                "figure": f"{title}, {precision}",
                "ours_s": taken[precision],
                "peer": name,
                "peer_s": taken[name] * scale,
                "ratio": taken[name] * scale / taken[precision],
                "goal": goals.get(precision, ""),
                "note": f"gradient {slopes[precision]:.0e}, its {its}",
            }
            rows.append(printed(row))
    return rows


def targets(ensemble: Any, some: int) -> list[Any]:
    return [ensemble.target(i) for i in range(some)]


def slope(models: list[Any], data: Data, masks: Bools) -> float:
    """Largest entry of the gradient of the mean loss, over the models."""
    worst = 0.0
    for model, mask in zip(models, masks, strict=True):
        x, weights = data.x[mask], model.coef_[0]
        gap = model.predict_proba(x)[:, 1] - data.y[mask]
        entries = np.append(x.T @ gap + weights / model.C, gap.sum())
        worst = max(worst, float(np.abs(entries).max() / len(x)))
    return worst


def other(
    name: str, final: Any, data: Data, masks: Bools, options: argparse.Namespace
) -> dict[str, object]:
    """Time another model against scikit-learn's loop, and compare what they answer."""
    few, scale = masks[: options.loop], len(masks) / options.loop

    def answers(ensemble: Any) -> Floats:
        scored = name != "ridge"  # ridge has decisions only
        return np.asarray(ensemble.scores(data.x) if scored else ensemble.labels(data.x))

    taken = timed({
        "ours": lambda: answers(trained(final, data, masks, "full")),
        "loop": lambda: looped(final, data, few),
    }, options.rounds)  # fmt: skip
    ensemble = trained(final, data, few, "full")
    expected = [ensemble.target(i).answer(data.x, View.LABELS).labels for i in range(len(few))]
    same = float((ensemble.labels(data.x) == np.stack(expected)).mean())
    return printed({
        "figure": name,
        "ours_s": taken["ours"],
        "peer": "scikit-learn",
        "peer_s": taken["loop"] * scale,
        "ratio": taken["loop"] * scale / taken["ours"],
        "goal": "",
        "note": f"{len(data)} rows; {same:.2%} of labels equal",
    })  # fmt: skip


def printed(row: dict[str, object]) -> dict[str, object]:
    print(f"  {row['figure']!s:40}{row['ours_s']:8.2f} s  {row['peer']!s:46}{row['peer_s']:8.2f} s"
          f"{row['ratio']:7.1f}x  {row['note']}", flush=True)  # fmt: skip
    return row


if __name__ == "__main__":
    main()
