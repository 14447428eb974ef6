"""Time what attack runs are made of, in CPU seconds, and how busy the machine is.

CPU seconds do not depend on what else the machine computes. Only what waits for others, as for a
service, is timed by the clock.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from goalkeeper.core.application import Application, Trainer
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.power import View

BATCH = 256  # inputs in one query of the measurement
REPEATS = 5
ENOUGH_SECONDS = 0.5  # a measurement is repeated until it took this long
WAITING = 0.1  # share of the time by the clock below which work waits for others
FEW_MODELS, MANY_MODELS = 4, 32  # models trained together in the two measurements
MAX_MANY_SECONDS = 2.0  # above this, training many together is no faster and is not measured
FIRST_STEPS, STEPS_SECONDS = 4, 0.4  # of a network's training: the shortest piece; long enough
STEP = 4  # times as many records in the next part
PARTS = STEP**3, STEP**2, STEP  # of how many parts of the records one is trained on
LEAST_RECORDS = 500  # of a part
MAX_TRAINING_SECONDS = 2.0  # a training that is expected to take less is made and not extrapolated
MAX_SECOND_SECONDS = 5.0  # the same for the second part, without which the growth is not known
# Exponents of the time in the number of records: where only one part was timed, the least, and the
# most. What small parts show is too little where much is done once, and too much of trees whose
# leaves are bounded; kernels are cubic at worst.
USUAL_GROWTH, LEAST_GROWTH, MOST_GROWTH, KERNEL_GROWTH = 1.15, 1.0, 1.3, 3.0
KERNELS = re.compile(r"(?<!Linear)SVC\(|GaussianProcess|LabelPropagation|LabelSpreading")
SAME_SECONDS = 0.1  # above this, one of many that are trained one by one takes what one alone does
LOAD_SECONDS = 60.0  # over which the machine averages its load


def time_answers(app: Application) -> tuple[float, float]:
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


def time_machine() -> float:
    """Time a fixed piece of work in Python and NumPy, similar to what surrounds a model."""
    return _shortest_time(_reference_work)


def time_trainings(app: Application | None) -> dict[str, float]:
    """Time one training (`fit`), one of a few (`model`) and one of `many` that go together.

    Zeros without an application or a trainer. What was trained when the application was loaded is
    not trained again; other slow trainings are extrapolated, from a few steps of a network or a
    part of the records.
    """
    trainer = None if app is None else _without_store(app.trainer)
    if app is None or trainer is None:
        return dict.fromkeys(("model", "many", "fit"), 0.0)
    data, x = app.data.train, app.data.holdout.x[:BATCH]

    def each(models: int) -> Callable[[Trainer, Data], object]:
        return lambda trainer, data: trainer.fit_many(
            data, _draw_masks(data, models), range(models)
        ).labels(x)

    fit = time_training(app)
    if fit > SAME_SECONDS and _trains_one_by_one(trainer):
        return dict.fromkeys(("model", "many", "fit"), fit)
    model = _time_training(trainer, data, each(FEW_MODELS)) / FEW_MODELS
    many = model
    if model * MANY_MODELS < MAX_MANY_SECONDS:
        many = _time_training(trainer, data, each(MANY_MODELS)) / MANY_MODELS
    return {"model": model, "many": many, "fit": fit}


def time_training(app: Application) -> float:
    """Time one training alone, or extrapolate it where it is slow; 0 without a trainer."""
    trainer = _without_store(app.trainer)
    known: float = getattr(app.target, "training_seconds", 0.0)
    if trainer is None or known > 0:
        return known
    return _time_training(trainer, app.data.train, lambda trainer, data: trainer.fit(data, 0))


def machine_load() -> float:
    """Return how many processes of others want a core of this machine, over the last minute."""
    import psutil

    busy = psutil.Process().cpu_times()
    own = 1 - math.exp(-(busy.user + busy.system) / LOAD_SECONDS)  # as the average counts us
    return max(0.0, psutil.getloadavg()[0] - own)


# ---- trainings -----------------------------------------------------------------------------------


def _time_training(trainer: Any, data: Data, train: Callable[[Trainer, Data], object]) -> float:
    if hasattr(trainer, "count_steps"):
        return _time_steps(trainer, data, train)
    return _time_parts(trainer, data, train)


def _time_steps(trainer: Any, data: Data, train: Callable[[Trainer, Data], object]) -> float:
    """Time the training of a network: extrapolate from as many steps as take long enough."""
    total = trainer.count_steps(data)
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
    return float(taken + rate * (total - steps))


def _time_parts(trainer: Any, data: Data, train: Callable[[Trainer, Data], object]) -> float:
    """Time a training on parts of the records, each larger than the one before, up to all.

    Where the next part would take long, all is extrapolated: the time grows as a power of the
    number of records, which the last two parts show.
    """
    growth, timed = USUAL_GROWTH, (0, 0.0)  # records and seconds of the part before
    for share in (part for part in PARTS if len(data) >= part * LEAST_RECORDS):
        part = _part(data, share)
        taken = _time_once(lambda part=part: train(trainer, part))  # type: ignore[misc]
        before, seconds = timed
        if before:
            ratio = math.log(max(taken / seconds, 1.0)) / math.log(len(part) / before)
            growth = min(max(ratio, LEAST_GROWTH), _most_growth(trainer))
        timed = len(part), taken
        if taken * STEP**growth > (MAX_TRAINING_SECONDS if before else MAX_SECOND_SECONDS):
            return float(taken * (len(data) / len(part)) ** growth)
    return _shortest_time(lambda: train(trainer, data))


def _most_growth(trainer: Any) -> float:
    """Return the largest exponent that is taken for real: small if the kind is known."""
    known = hasattr(trainer, "estimator") and not KERNELS.search(trainer.recipe)
    return MOST_GROWTH if known else KERNEL_GROWTH


def _part(data: Data, share: int) -> Data:
    """Take one of so many records, and the first of every class."""
    first = np.unique(data.y, return_index=True)[1]
    return data.take(np.unique(np.concatenate([np.arange(0, len(data), share), first])))


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


# ---- the clock -----------------------------------------------------------------------------------


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
    """Return the CPU seconds of work; seconds by the clock where it hardly computes but waits."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    computed, passed = time.process_time() - cpu, time.perf_counter() - clock
    return passed if computed < WAITING * passed else computed
