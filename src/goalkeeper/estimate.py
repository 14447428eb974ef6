"""Estimate what a plan costs, from a quick measurement on this machine and from past attack runs.

The budget of an attack does not predict how many queries and trainings it needs: most attacks stop
long before it is spent. `estimates.csv` therefore records, for each attack and task, the cost on a
few applications as multiples of the operation times that were measured there in the same way
(`benchmarks/estimates.py` writes the file).
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
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.power import View
from goalkeeper.planning import Unit

BATCH = 256  # inputs in one query of the measurement
REPEATS = 5
ENOUGH_SECONDS = 1.0  # a measurement is repeated until it took this long
FEW_MODELS, MANY_MODELS = 4, 32  # models trained together in the two measurements
MAX_FIT_SECONDS = 2.0  # above this, trainings that are made one by one are timed once
FIRST_STEPS, STEPS_SECONDS = 4, 0.4  # of a network's training: the shortest piece; long enough
MAX_MANY_SECONDS = 2.0  # above this, training many together is no faster and is not measured
MEMORY_FACTOR = 1.5  # peak memory of a worker relative to what this process has loaded
SHADOW_MODELS, BYTES_PER_SCORE = 64, 8  # models queried together; scores are float64
FIXED_PART = 0.45  # share of a run time that does not scale with the effort (spam filter)
MIN_EFFORT, MAX_EFFORT = 0.25, 16.0
TIME_MARGIN = 0.8  # share of the time limit that is planned; estimates are rarely exact


@dataclass(frozen=True, slots=True)
class OperationTimes:
    """Seconds that this machine took for the basic operations of attack runs.

    Parameters
    ----------
    machine
        A fixed workload that is independent of the application.
    row
        One input, in a query of many.
    single
        One input, in a query of its own.
    model
        One model, trained together with a few others.
    many
        One model, trained together with many others.
    fit
        One model, trained alone.
    """

    machine: float
    row: float
    single: float
    model: float
    many: float
    fit: float

    def seconds(self, unit: Unit, effort: float = 1.0) -> float:
        """Estimate the seconds of one attack run on one core, including marking and controls."""
        experience = _experience_of(unit)
        if experience is None:
            e = unit.estimate
            at_effort_1 = (
                self.machine + (e.queries * self.row + e.models * self.model) / unit.effort
            )
        else:
            seconds_of = asdict(self)
            at_effort_1 = sum(times * seconds_of[kind] for kind, times in experience.times.items())
        return at_effort_1 * (FIXED_PART + (1 - FIXED_PART) * effort)

    def total(self, units: Iterable[Unit], jobs: int = 1, effort: float = 1.0) -> float:
        """Estimate the seconds of many attack runs on `jobs` workers."""
        return sum(self.seconds(unit, effort) for unit in units) / max(1, jobs)


KINDS = tuple(field.name for field in fields(OperationTimes))


@dataclass(frozen=True, slots=True)
class Experience:
    """What an attack cost on other applications, as multiples of each operation time.

    `spread` is the largest ratio of actual to estimated time on an application; `queries` is the
    share of its query budget that it used.
    """

    times: Mapping[str, float]
    spread: float
    queries: float


def estimate_queries(unit: Unit) -> float:
    """Estimate how many queries an attack run makes; its budget is the upper bound."""
    experience = _experience_of(unit)
    return unit.estimate.queries * (1.0 if experience is None else experience.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCost:
    """What attack runs ask of a service, at least (full requests) and at most (one input each).

    Parameters
    ----------
    inputs
        Inputs that are asked.
    requests, price
        The least and the most of them.
    exceeds
        The limit that even the least exceeds, as a sentence; empty if there is none.
    """

    inputs: float
    requests: tuple[float, float]
    price: tuple[float, float]
    exceeds: str


def estimate_service(app: Application, units: Iterable[Unit]) -> ServiceCost | None:
    """Estimate what attack runs ask of the service behind a target; None for other targets.

    Answers are kept, so that inputs that several attack runs ask are counted too often here.
    """
    service: Any = getattr(app.target, "service", None)
    if service is None:
        return None
    inputs = sum(map(estimate_queries, units))
    requests = (inputs / service.batch, inputs)
    limits, spent = service.limits, service.spent
    price = tuple(limits.cost(number, inputs) for number in requests)
    total = spent.requests + requests[0]
    cost = limits.cost(total, spent.inputs + inputs)
    exceeds = ""
    if total > limits.budget:
        exceeds = f"the budget of {limits.budget:,.0f} requests is expected to be exceeded"
    elif cost > limits.cap:
        exceeds = f"the cap of {limits.cap:.2f} is expected to be exceeded"
    return ServiceCost(
        inputs=inputs, requests=requests, price=(price[0], price[1]), exceeds=exceeds
    )


def estimate_memory(app: Application) -> int:
    """Estimate the peak memory of one worker, in bytes.

    A worker loads what this process has loaded. Attack runs take half as much again (measured on
    the bundled examples), plus the answers of many models to all records, in bounded blocks.
    """
    import psutil

    records = sum(app.data.sizes().values())
    answers = SHADOW_MODELS * records * len(app.classes) * BYTES_PER_SCORE
    loaded = int(psutil.Process().memory_info().rss)
    return int(MEMORY_FACTOR * loaded) + min(answers, app.compute.memory)


def choose_effort(times: OperationTimes, units: Iterable[Unit], jobs: int, limit: float) -> float:
    """Choose the effort that fits into `limit` seconds, from MIN_EFFORT to MAX_EFFORT.

    Estimated seconds are linear in the effort, so no search is needed. The choice depends on
    times only, not on results, so that intervals keep their confidence level.
    """
    at_effort_1 = times.total(units, jobs)
    if at_effort_1 <= 0:
        return 1.0
    effort = (TIME_MARGIN * limit / at_effort_1 - FIXED_PART) / (1 - FIXED_PART)
    return float(np.clip(round(effort, 2), MIN_EFFORT, MAX_EFFORT))


def _experience_of(unit: Unit) -> Experience | None:
    """Look up the experience with the attack for this task, else for all its tasks, else None."""
    records, task = load_experience(), unit.run.task.name
    return records.get((unit.attack, task)) or records.get((unit.attack, ""))


@cache
def load_experience() -> dict[tuple[str, str], Experience]:
    """Read the recorded costs, by attack and task ("" for all of its tasks)."""
    text = files("goalkeeper").joinpath("estimates.csv").read_text("utf-8")
    return {
        (row["attack"], row["task"]): Experience(
            {kind: float(row[kind]) for kind in KINDS},
            float(row["spread"]),
            float(row["queries"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


# ---- measuring -----------------------------------------------------------------------------------


def measure_times(app: Application) -> OperationTimes:
    """Time a few answers and, where the application can be trained, a few trainings."""
    with one_thread():  # as attack runs have
        row, single = _time_answers(app)
        return OperationTimes(
            machine=_shortest_time(_reference_work),
            row=row,
            single=single,
            **_time_trainings(app),
        )


def _time_answers(app: Application) -> tuple[float, float]:
    """Time an input among many and one alone; a service has measured what it was asked before."""
    x, target = app.data.holdout.x[:BATCH], app.target
    measured = getattr(target, "measured_seconds", None)
    if measured is not None:
        row, single = measured()
        return row, single
    return (
        _shortest_time(lambda: target.answer(x, View.LABELS)) / max(1, len(x)),
        _shortest_time(lambda: target.answer(x[:1], View.LABELS)),
    )


def _time_trainings(app: Application) -> dict[str, float]:
    """Time one training, a few and many together; zeros if the application has no trainer.

    Of a network a few steps are timed, and of any other slow training one, since trainings one
    after the other take as long each.
    """
    trainer, x = _without_store(app.trainer), app.data.holdout.x[:BATCH]
    if trainer is None:
        return dict.fromkeys(("model", "many", "fit"), 0.0)

    def one(trainer: Trainer, data: Data) -> None:
        trainer.fit(data, 0)

    def each(models: int) -> Callable[[Trainer, Data], object]:
        return lambda trainer, data: trainer.fit_many(
            data, _draw_masks(data, models), range(models)
        ).labels(x)

    def seconds(train: Callable[[Trainer, Data], object]) -> float:
        return _time_training(trainer, app.data.train, train)

    fit = seconds(one)
    if fit > MAX_FIT_SECONDS and _trains_one_by_one(trainer):
        return dict.fromkeys(("model", "many", "fit"), fit)
    model = seconds(each(FEW_MODELS)) / FEW_MODELS
    many = model
    if model * MANY_MODELS < MAX_MANY_SECONDS:
        many = seconds(each(MANY_MODELS)) / MANY_MODELS
    return {"model": model, "many": many, "fit": fit}


def _time_training(trainer: Any, data: Data, train: Callable[[Trainer, Data], object]) -> float:
    """Time a training; of a network, extrapolate from as many steps as take long enough."""
    total = trainer.count_steps(data) if hasattr(trainer, "count_steps") else 0
    if total <= FIRST_STEPS:
        return _shortest_time(lambda: train(trainer, data))

    def timed(steps: int) -> float:
        short = trainer.shortened(data, steps)
        return _shortest_time(lambda: train(*short), STEPS_SECONDS)

    steps, first = FIRST_STEPS, timed(FIRST_STEPS)
    while True:
        steps = min(4 * steps, total)
        taken = timed(steps)
        if steps == total or taken > STEPS_SECONDS:
            break
    # What is done once (building, copying records) is in both and cancels out of the difference.
    rate = max(0.0, taken - first) / (steps - FIRST_STEPS)
    return taken + rate * (total - steps)


def _trains_one_by_one(trainer: Any) -> bool:
    return getattr(getattr(trainer, "strategy", None), "kind", "") == "one_by_one"


def _without_store(trainer: Any) -> Trainer | None:
    """Remove the store from a trainer: loading a stored training would not measure its time."""
    trainer = getattr(trainer, "inner", None) or trainer  # of a function that builds
    if not hasattr(trainer, "with_compute"):
        return trainer  # type: ignore[no-any-return]
    return trainer.with_compute(replace(trainer.compute, store=""))  # type: ignore[no-any-return]


def _draw_masks(data: Data, models: int) -> Bools:
    """Draw subsets of nine in ten records, every class in each."""
    rng = np.random.default_rng(0)
    masks = rng.random((models, len(data))) < 0.9
    masks[:, np.unique(data.y, return_index=True)[1]] = True
    return np.asarray(masks)


def _reference_work() -> None:
    """Do some work in Python and NumPy, similar to what surrounds the model."""
    numbers = np.random.default_rng(0).random(50_000)
    for _ in range(4):
        numbers = np.sort(numbers[::-1] * 1.0001)
    dict.fromkeys(str(i) for i in range(20_000))


def _shortest_time(work: Callable[[], object], enough: float = ENOUGH_SECONDS) -> float:
    """Return the shortest of several times: interference only ever makes work slower."""
    taken = [_time_once(work)]
    while len(taken) < REPEATS and sum(taken) < enough:
        taken.append(_time_once(work))
    return min(taken)


def _time_once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
