"""Copies of models that no equation describes, at equal queries: ours beside a plain knock-off.

Run with `python -m benchmarks.copies`. The knock-off asks the own inputs of the attacker, then rows
drawn anywhere in the bounds, and trains the recipe of the target itself on the labels (the random
strategy of Orekondy, Schiele, Fritz 2019, with the right architecture): what peers do by default.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from goalkeeper.attacks.extraction.substitute_from_data import SubstituteFromData
from goalkeeper.compute.threads import one_thread
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs, Ints, cut
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.extraction import PublicInterface
from goalkeeper.training import SklearnTrainer, lookalike

SHARES = {"train": 0.4, "holdout": 0.3, "calibration": 0.1, "similar": 0.2}
QUERIES = 2000
MODELS: dict[str, Callable[[], Any]] = {
    "forest": lambda: RandomForestClassifier(50, random_state=0),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "network": lambda: MLPClassifier((32,), max_iter=300, random_state=0),
}


@dataclass(frozen=True)
class Line:
    """Agreement with the target on unseen inputs, and seconds."""

    what: str
    ours: float
    plain: float
    without: float
    ours_s: float
    plain_s: float

    def __str__(self) -> str:
        return (
            f"{self.what:<28}{self.ours:>9.1%}{self.plain:>11.1%}{self.without:>12.1%}"
            f"{self.ours_s:>9.1f} s{self.plain_s:>9.1f} s"
        )

    def row(self) -> dict[str, object]:
        """Return the line as `python -m benchmarks --write` shows it."""
        return {
            "figure": self.what,
            "ours_s": self.ours_s,
            "peer": "plain knock-off",
            "peer_s": self.plain_s,
            "goal": "at least the knock-off's fidelity",
            "note": f"fidelity {self.ours:.1%}, knock-off {self.plain:.1%}, no query "
            f"{self.without:.1%}",
        }


def application(model: Any, load: Callable[..., Any]) -> Application:
    """Train a model on two fifths of the data."""
    x, y = load(return_X_y=True)
    bounds = zip(x.min(axis=0), x.max(axis=0), strict=True)
    columns = [Column(name=f"c{j}", low=float(a), high=float(b)) for j, (a, b) in enumerate(bounds)]
    domain, names = TableDomain(columns=tuple(columns)), tuple(str(k) for k in np.unique(y))
    data = cut(Data(x=np.asarray(x, dtype=np.float64), y=y.astype(np.int64)), SHARES)
    trainer = SklearnTrainer(model, names, domain)
    return Application(
        name="benchmark",
        target=trainer.fit(data.train, 0),
        trainer=trainer,
        lookalike=lookalike(trainer),
        data=data,
        domain=domain,
        classes=names,
    )


def access_to(app: Application) -> Access:
    """Grant labels, similar data and the family of the model."""
    granted = Power(
        knowledge=Knowledge(algorithm=Grade.PARTIAL, data=Grade.PARTIAL),
        capabilities=Capability.M2,
        view=View.LABELS,
        budget=Budget(queries=QUERIES),
    )
    rng = np.random.default_rng(0)
    return Access(app, Terms(granted=granted, rng=rng, victim=np.random.SeedSequence(0)))


def knock_off(app: Application) -> Callable[[Inputs], Ints]:
    """Ask own inputs, then rows drawn anywhere, and train the target's own recipe on the labels."""
    access = access_to(app)
    own = access.data().x
    if not isinstance(app.domain, TableDomain) or app.trainer is None:
        raise TypeError("a knock-off needs a table, and a recipe")
    low, high = app.domain.bounds()
    drawn = access.rng.uniform(low, high, (QUERIES - len(own), len(low)))
    x = np.concatenate([own, drawn])
    copy = app.trainer.fit(Data(x=x, y=access.query(x).labels), 0)
    return lambda rows: copy.answer(rows, View.LABELS).labels


def compared(what: str, app: Application) -> Line:
    """Play ours and the knock-off against one application."""
    x = app.data.holdout.x
    labels = app.target.answer(x, View.LABELS).labels
    with one_thread():
        start = time.perf_counter()
        access = access_to(app)
        copy = SubstituteFromData().run(PublicInterface(app.classes), access)
        between = time.perf_counter()
        plain = knock_off(app)
        end = time.perf_counter()
    without = access.checkpoints[0].answer

    def agreement(predict: Callable[[Inputs], Ints]) -> float:
        return float((predict(x) == labels).mean())

    return Line(
        what,
        agreement(copy.predict),
        agreement(plain),
        agreement(without.predict),
        between - start,
        end - between,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    options = parser.parse_args()
    print(f"{'target':<28}{'ours':>9}{'knock-off':>11}{'no query':>12}{'time':>11}{'its':>11}")
    lines = []
    for name, load in (("breast cancer", load_breast_cancer), ("digits", load_digits)):
        for kind, build in MODELS.items():
            lines.append(compared(f"{kind}, {name}", application(build(), load)))
            print(lines[-1], flush=True)
    if options.json:
        options.json.write_text(json.dumps([line.row() for line in lines]))


if __name__ == "__main__":
    main()
