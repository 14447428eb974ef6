"""Count the trainings of a small privacy assessment, by attack: as asked for, and as made.

    python -m benchmarks.trainings                      # logistic regression
    python -m benchmarks.trainings --model forest
    python -m benchmarks.trainings --store FOLDER       # twice: nothing is trained again
    python -m benchmarks.trainings --file FILE          # of an application file

What an attack asks for is what its cost counts, without its control; what is made is counted where
scikit-learn trains, for attack, game and control together. `--goals` counts other goals.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from goalkeeper.assessing import load_session, prepare
from goalkeeper.attack_run import execute
from goalkeeper.core.application import Application, Property
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.goals import Goal
from goalkeeper.planning import Choice
from goalkeeper.training.trainers import SklearnTrainer

ROWS, COLUMNS = 3000, 6


@dataclass
class Made:
    """How many models were trained, and in which part of a run."""

    part: str = "application"
    counts: Counter[str] = field(default_factory=Counter)
    inside: bool = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every model that a trainer of scikit-learn makes, once."""
        many, one = SklearnTrainer.fit_many, SklearnTrainer.fit

        def count_many(trainer: Any, data: Any, masks: Any, seeds: Any) -> Any:
            return self._count(len(masks), lambda: many(trainer, data, masks, seeds))

        def count_one(trainer: Any, data: Any, seed: int) -> Any:
            return self._count(1, lambda: one(trainer, data, seed))

        with (
            mock.patch.object(SklearnTrainer, "fit_many", count_many),
            mock.patch.object(SklearnTrainer, "fit", count_one),
        ):
            yield

    def _count(self, models: int, train: Any) -> Any:
        if self.inside:
            return train()
        self.counts[self.part] += models
        self.inside = True
        try:
            return train()
        finally:
            self.inside = False


def application(model: str, store: str = "") -> Application:
    """Make a table in which one column is sensitive, and the share of a group is private."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS)).round(3)
    x[:, -1] = rng.integers(0, 3, ROWS)
    y = (x[:, 0] + 0.5 * x[:, -1] + rng.normal(size=ROWS) > 0.5).astype(int)
    half = ROWS // 2
    names = [f"c{i}" for i in range(COLUMNS)]
    frame = pd.DataFrame(x, columns=names)
    frame["group"] = np.where(rng.random(ROWS) < 0.3, "a", "b")
    estimator = (
        LogisticRegression() if model == "logistic" else RandomForestClassifier(20, random_state=0)
    )
    app = Application.from_model(
        estimator,
        frame[:half],
        y[:half],
        frame[half:],
        y[half:],
        sensitive=["c5"],
        subgroups=["group"],
        drop=["group"],
        properties=[Property(name="group-a", column="group", value="a")],
        attackers=["outsider", "customer", "insider"],
        needs={goal.value: "normal" for goal in Goal},
    )
    return replace(app, compute=replace(app.compute, store=store))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=["forest", "logistic"], default="logistic")
    parser.add_argument("--file", type=Path, help="an application file, instead of --model")
    parser.add_argument("--goals", nargs="*", default=["privacy"])
    parser.add_argument("--attacks", nargs="*", default=[])
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--store", default="", help="a folder; then everything is run twice")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    choice = Choice(
        goals=tuple(Goal(g) for g in options.goals),
        attacks=tuple(options.attacks),
        effort=options.effort,
    )
    rows = []
    for _ in range(2 if options.store else 1):
        app = given(options.file) if options.file else application(options.model, options.store)
        rows = count(app, choice)
    if options.json:
        options.json.write_text(json.dumps(rows))


def given(file: Path) -> Application:
    """Load an application file; nothing is taken from a store."""
    return load_session(file, 0, Choice(), ComputeSettings()).app


def count(app: Application, choice: Choice) -> list[dict[str, Any]]:
    """Run everything in this process, and print and return what was trained, by attack."""
    session = prepare(app, choice=choice)
    made, asked, start = Made(), Counter[str](), time.process_time()
    with made.counting():
        for unit in session.plan.units:
            made.part = f"{unit.attack}, {unit.run.task.name}"
            asked[made.part] += execute(session.app, unit.run).cost.models
    parts = [part for part in sorted({*made.counts, *asked}) if made.counts[part] or asked[part]]
    rows = [figure(part, asked[part], made.counts[part]) for part in parts]
    rows.append(figure("all", asked.total(), made.counts.total()))
    for row in rows:
        print(f"{row['figure']:60} {row['note']}")
    units = len(session.plan.units)
    print(f"{time.process_time() - start:.1f} CPU seconds, {units} attack runs")
    return rows


def figure(part: str, asked: int, made: int) -> dict[str, Any]:
    return {"figure": part, "note": f"{asked:,} counted, {made:,} trained"}


if __name__ == "__main__":
    main()
