"""How long a plan will take: a quick measurement of this application on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from goalkeeper.core.application import Application
from goalkeeper.core.power import View
from goalkeeper.planning import Unit

BATCH = 64
OVERHEAD = 0.2  # seconds a unit takes beside queries and trainings


@dataclass(frozen=True, slots=True)
class Pace:
    """Measured seconds per query and per trained model."""

    query: float
    model: float

    def seconds(self, unit: Unit) -> float:
        """Estimate the seconds of one play."""
        e = unit.estimate
        return OVERHEAD + e.queries * self.query + e.models * self.model

    def total(self, units: Iterable[Unit], jobs: int = 1) -> float:
        """Estimate the seconds of many plays on `jobs` workers."""
        return sum(self.seconds(unit) for unit in units) / max(1, jobs)


def measure(app: Application, *, train: bool) -> Pace:
    """Time one batch of queries and, if asked for, one training."""
    x = app.data.holdout.x[:BATCH]
    start = time.perf_counter()
    app.target.answer(x, View.LABELS)
    query = (time.perf_counter() - start) / max(1, len(x))
    if not (train and app.trainer):
        return Pace(query, 0.0)
    start = time.perf_counter()
    app.trainer.fit(app.data.train, 0)
    return Pace(query, time.perf_counter() - start)
