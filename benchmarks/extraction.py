"""Exact extraction: how few queries linear models fall to, how exactly, and how fast.

Run with `python -m benchmarks.extraction`. Reference figures, measured for the project on one
thread: breast cancer 31 queries, weight error 4.5e-14; digits 65 queries, fidelity 100 / 100 %.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attacks._words import list_query_words
from goalkeeper.attacks.extraction._equations import solve_equations
from goalkeeper.attacks.extraction._word_probing import probe_words
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, cut
from goalkeeper.core.domain import Column, Domain, TableDomain, TextDomain
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.text import texts
from goalkeeper.examples.spam_filter import filter as spam_filter
from goalkeeper.examples.spam_filter import mail
from goalkeeper.games.extraction.substitutes import measure_parameter_error
from goalkeeper.targets import SklearnTarget

SHARES = {"train": 0.5, "holdout": 0.25, "calibration": 0.05, "similar": 0.2}


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    queries: int
    parameters: int
    error: float
    fidelity: float
    milliseconds: float

    def __str__(self) -> str:
        return (
            f"{self.what:<44}{self.queries:>9,}{self.queries / self.parameters:>10.2f}"
            f"{self.error:>12.1e}{self.fidelity:>10.1%}{self.milliseconds:>10.1f}"
        )

    def row(self) -> dict[str, object]:
        """Return the line as `python -m benchmarks --write` shows it."""
        said = f"{self.queries:,} queries, weight error {self.error:.1e}"
        return {
            "figure": self.what,
            "ours_s": self.milliseconds / 1000,
            "note": f"{said}, fidelity {self.fidelity:.1%}",
        }


def application(model: Any, data: Data, domain: Domain, classes: Sequence[str]) -> Application:
    """Train a model on half of the data and wrap it."""
    parts = cut(data, SHARES)
    model.fit(parts.train.x, parts.train.y)
    target = SklearnTarget(model, classes, domain, indexed=True)
    return Application(
        name="benchmark", target=target, data=parts, domain=domain, classes=tuple(classes)
    )


def access_to(app: Application, queries: float, data: Grade = Grade.NONE) -> Access:
    """Grant scores and so many queries."""
    granted = Power(
        knowledge=Knowledge(algorithm=Grade.PARTIAL, data=data),
        capabilities=Capability.M2,
        view=View.SCORES,
        budget=Budget(queries=queries),
    )
    rng = np.random.default_rng(0)
    return Access(app, Terms(granted=granted, rng=rng, victim=np.random.SeedSequence(0)))


def measured(what: str, app: Application, access: Access, execute: Callable[[Access], Any]) -> Line:
    """Play, and compare the last copy with the target on the holdout."""
    start = time.perf_counter()
    copy = execute(access)
    milliseconds = 1000 * (time.perf_counter() - start)
    x = app.data.holdout.x
    agree = copy.predict(x) == app.target.answer(x, View.LABELS).labels
    known = app.target.parameters()
    error = measure_parameter_error(app, copy)
    return Line(
        what,
        access.spent.queries,
        known["weights"].size + known["bias"].size,
        error[0] if error else float("nan"),
        float(agree.mean()),
        milliseconds,
    )


def tables() -> list[Line]:
    """Read binary and softmax regression out of d + 1 rows."""
    lines = []
    for name, load in (
        ("breast cancer, binary", load_breast_cancer),
        ("digits, softmax", load_digits),
    ):
        raw = load()
        low, high = raw.data.min(axis=0), raw.data.max(axis=0)
        columns = tuple(
            Column(name=str(j), low=float(a), high=float(b))
            for j, (a, b) in enumerate(zip(low, high, strict=True))
        )
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        data = Data(x=np.asarray(raw.data, dtype=np.float64), y=raw.target.astype(np.int64))
        classes = [str(c) for c in raw.target_names]
        app = application(model, data, TableDomain(columns=columns), classes)
        queries = data.x.shape[1] + 1
        lines.append(
            measured(name, app, access_to(app, queries), lambda a: list(solve_equations(a, 64))[-1])
        )
    return lines


def filters() -> list[Line]:
    """Probe the example's spam filters word by word, without and with own mail."""
    frame = mail.generate(seed=0).frame
    y = (frame["label"] == "spam").to_numpy().astype(np.int64)
    data = Data(x=texts(frame["text"]), y=y)
    lines = []
    for name, build in (("tf-idf", spam_filter.build), ("bayes", spam_filter.build_bayes)):
        app = application(build(), data, TextDomain(), ["ham", "spam"])
        for words, grade in (("public words", Grade.NONE), ("own mail", Grade.PARTIAL)):
            access = access_to(app, 20_000, grade)
            lines.append(
                measured(
                    f"spam filter, {name}, {words}",
                    app,
                    access,
                    lambda a: list(probe_words(a, list_query_words(a, 9000)))[-1],
                )
            )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    options = parser.parse_args()
    print(f"{'target':<44}{'queries':>9}{'q/param.':>10}{'error':>12}{'fidelity':>10}{'ms':>10}")
    lines = tables() + filters()
    for line in lines:
        print(line)
    if options.json:
        options.json.write_text(json.dumps([line.row() for line in lines]))


if __name__ == "__main__":
    main()
