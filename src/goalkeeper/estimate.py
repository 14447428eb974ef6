"""What a plan will cost: a quick measurement of this application on this machine, and experience.

How often an attack asks or trains cannot be told from its budget: most stop long before it is
spent. What each attack took on a few applications, for each of its tasks, is kept in
`estimates.csv` as so many times each of the things that were measured there in the same way
(`benchmarks/estimates.py` writes it).
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from goalkeeper.compute.threads import one_thread
from goalkeeper.core.application import Application, Trainer
from goalkeeper.core.data import Bools
from goalkeeper.core.power import View
from goalkeeper.planning import Unit

BATCH = 256  # inputs answered at once
REPEATS = 5
ENOUGH = 1.0  # seconds of one measurement
MODELS, MANY = 4, 32  # trained together
QUICK = 2.0  # seconds that training many may take; where it takes longer, none is saved by it
WORKING = 1.5  # memory of a worker at its most, in what is loaded
SHADOWS, FLOAT = 64, 8  # models that answer together, bytes of a score
FIXED = 0.45  # part of a play that does not grow with the effort, measured on the spam filter
LEAST, MOST = 0.25, 16.0  # efforts to choose from
SAFE = 0.8  # part of the given time that is planned for


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that this machine took for the things that plays are made of.

    Parameters
    ----------
    machine
        A fixed piece of work that has nothing to do with the application.
    row
        One input, answered among many.
    single
        One input, answered alone.
    model
        One model, trained together with a few others.
    many
        One model, trained together with many others.
    fit
        One model, trained as the user trains it.
    """

    machine: float
    row: float
    single: float
    model: float
    many: float
    fit: float

    def seconds(self, unit: Unit, effort: float = 1.0) -> float:
        """Estimate the seconds of one play on one core, its marking and controls included."""
        known = _known(unit)
        if known is None:
            e = unit.estimate
            usual = self.machine + (e.queries * self.row + e.models * self.model) / unit.effort
        else:
            usual = sum(times * asdict(self)[kind] for kind, times in known.times.items())
        return usual * (FIXED + (1 - FIXED) * effort)

    def total(self, units: Iterable[Unit], jobs: int = 1, effort: float = 1.0) -> float:
        """Estimate the seconds of many plays on `jobs` workers."""
        return sum(self.seconds(unit, effort) for unit in units) / max(1, jobs)


KINDS = tuple(field.name for field in fields(Pace))


@dataclass(frozen=True, slots=True)
class Known:
    """What an attack took elsewhere: so many times each measured thing, by its name.

    `spread` is the largest ratio between what it took on an application and what is estimated;
    `queries` the part of its queries that it asked.
    """

    times: Mapping[str, float]
    spread: float
    queries: float


def queries(unit: Unit) -> float:
    """Estimate how many queries a play asks; its budget is the upper bound."""
    known = _known(unit)
    return unit.estimate.queries * (1.0 if known is None else known.queries)


def memory(app: Application) -> int:
    """Estimate the most bytes that one worker takes.

    A worker loads what this process has loaded; plays take half as much again (measured on the
    bundled examples), and the answers of many models to all records, in blocks of limited size.
    """
    import psutil

    records = sum(app.data.sizes().values())
    answers = SHADOWS * records * len(app.classes) * FLOAT
    loaded = int(psutil.Process().memory_info().rss)
    return int(WORKING * loaded) + min(answers, app.means.memory)


def affordable(pace: Pace, units: Iterable[Unit], jobs: int, limit: float) -> float:
    """Choose the effort that fits into `limit` seconds, between a quarter and sixteen times.

    Seconds are linear in the effort, so that there is nothing to search. Only times decide, and
    no result, so that intervals keep their level.
    """
    usual = pace.total(units, jobs)
    if usual <= 0:
        return 1.0
    effort = (SAFE * limit / usual - FIXED) / (1 - FIXED)
    return float(np.clip(round(effort, 2), LEAST, MOST))


def _known(unit: Unit) -> Known | None:
    """Find what the attack took for this task; else for all its tasks; else nothing."""
    known, task = experience(), unit.run.task.name
    return known.get((unit.attack, task)) or known.get((unit.attack, ""))


@cache
def experience() -> dict[tuple[str, str], Known]:
    """Read what attacks took elsewhere, by attack and task ("" for all of its tasks)."""
    text = files("goalkeeper").joinpath("estimates.csv").read_text("utf-8")
    return {
        (row["attack"], row["task"]): Known(
            {kind: float(row[kind]) for kind in KINDS},
            float(row["spread"]),
            float(row["queries"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


# ---- measuring -----------------------------------------------------------------------------------


def measure(app: Application) -> Pace:
    """Time a few answers and, where the application can be trained, a few trainings."""
    x, target = app.data.holdout.x[:BATCH], app.target
    with one_thread():  # as plays have
        return Pace(
            machine=_least(_work),
            row=_least(lambda: target.answer(x, View.LABELS)) / max(1, len(x)),
            single=_least(lambda: target.answer(x[:1], View.LABELS)),
            **_trainings(app),
        )


def _trainings(app: Application) -> dict[str, float]:
    """Time one training, a few and many together; zeros where nothing can be trained."""
    trainer, data, x = _forgetful(app.trainer), app.data.train, app.data.holdout.x[:BATCH]
    if trainer is None:
        return dict.fromkeys(("model", "many", "fit"), 0.0)

    def each(models: int) -> float:
        masks = _masks(app, models)
        return _least(lambda: trainer.fit_many(data, masks, range(models)).labels(x)) / models

    model = each(MODELS)
    many = each(MANY) if model * MANY < QUICK else model
    return {"model": model, "many": many, "fit": _least(lambda: trainer.fit(data, 0))}


def _forgetful(trainer: Any) -> Trainer | None:
    """Take the store from a trainer that keeps long trainings: recalling them tells no pace."""
    if not hasattr(trainer, "with_means"):
        return trainer  # type: ignore[no-any-return]
    return trainer.with_means(replace(trainer.means, store=""))  # type: ignore[no-any-return]


def _masks(app: Application, models: int) -> Bools:
    """Draw subsets of nine in ten records, every class in each."""
    rng = np.random.default_rng(0)
    masks = rng.random((models, len(app.data.train))) < 0.9
    masks[:, np.unique(app.data.train.y, return_index=True)[1]] = True
    return np.asarray(masks)


def _work() -> None:
    """Work a little with Python and numpy, as everything around the model does."""
    numbers = np.random.default_rng(0).random(50_000)
    for _ in range(4):
        numbers = np.sort(numbers[::-1] * 1.0001)
    dict.fromkeys(str(i) for i in range(20_000))


def _least(work: Callable[[], object]) -> float:
    """Time some work, again while that is quick: what disturbs it only ever makes it slower."""
    taken = [_once(work)]
    while len(taken) < REPEATS and sum(taken) < ENOUGH:
        taken.append(_once(work))
    return min(taken)


def _once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
