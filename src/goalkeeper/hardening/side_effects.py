"""What a defence costs: accuracy, harmless inputs declined, time to answer and to train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from goalkeeper.compute.stopwatch import with_cpu_seconds
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.hardening.records import SideEffect
from goalkeeper.stats import IntervalEstimate, paired_difference, subtract
from goalkeeper.stats.latency import quantile_bounds
from goalkeeper.timing import time_training

ASKED = 100  # inputs by which the time of an answer is measured, one by one
TRAININGS = 6  # of so many, the least and the largest bound the median with 95 %
LONGEST = 10.0  # CPU seconds of trainings after which no further one is measured
SEED = 0


@dataclass(frozen=True, eq=False)
class Times:
    """CPU seconds of answers `(n,)`, and of trainings `(m,)`; no trainings where none is known."""

    answers: Floats
    trainings: Floats


@dataclass(frozen=True, eq=False)
class OwnCosts:
    """What the application as it is costs: measured once, for all defences.

    Parameters
    ----------
    app
        The application.
    """

    app: Application

    @cached_property
    def labels(self) -> Ints:
        """Its answers `(n,)` to the holdout."""
        return _answer(self.app, self.app.data.holdout.x)

    @cached_property
    def training(self) -> float:
        """CPU seconds of one training, extrapolated where it is slow."""
        return time_training(self.app)

    @cached_property
    def times(self) -> Times:
        """Its CPU seconds."""
        return measure_times(self.app)


def compare_answers(own: OwnCosts, after: Application) -> tuple[SideEffect, ...]:
    """Compare answers on the records of the holdout, which neither model was trained on."""
    return tuple(_of_answers(own, after))


def compare_times(own: OwnCosts, after: Application) -> tuple[SideEffect, ...]:
    """Compare the CPU seconds of an answer, and of a training: medians and their difference.

    The bounds of a median are order statistics, those of the difference follow from both (Zou and
    Donner 2008). Of fewer than six trainings there are none.
    """
    before, now = own.times, measure_times(after)
    found = [_seconds("time of an answer", before.answers, now.answers)]
    if before.trainings.size and now.trainings.size:
        found.append(_seconds("time of a training", before.trainings, now.trainings))
    return tuple(found)


def measure_times(app: Application) -> Times:
    """Measure single answers to inputs of the holdout, and repeated trainings."""
    return Times(_answer_seconds(app), _training_seconds(app))


def _of_answers(own: OwnCosts, after: Application) -> Iterator[SideEffect]:
    data, tolerated, harmless = own.app.data.holdout, own.app.tolerances, own.app.harmless
    first, second = own.labels, _answer(after, data.x)
    yield _share("wrong answers", (first != data.y, second != data.y), tolerated.accuracy_drop)
    rows = data.y == harmless
    if harmless is not None and rows.any():
        declined = (first != harmless)[rows], (second != harmless)[rows]
        yield _share("harmless inputs declined", declined, tolerated.benign_rejection)


def _answer(app: Application, x: Inputs) -> Ints:
    return app.target.answer(x, View.LABELS).labels


def _share(what: str, bad: tuple[Bools, Bools], tolerance: float) -> SideEffect:
    before, after = bad
    n = len(before)
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    bounds = paired_difference(gained, lost, n)
    return SideEffect(
        what=what,
        before=float(before.mean()),
        after=float(after.mean()),
        low=bounds.low,
        high=bounds.high,
        n=n,
        tolerance=tolerance,
    )


def _seconds(what: str, before: Floats, after: Floats) -> SideEffect:
    medians = _median(before), _median(after)
    change = subtract(medians[1], medians[0])
    bounded = isfinite(change.low) and isfinite(change.high)
    return SideEffect(
        what=what,
        unit="seconds",
        before=medians[0].value,
        after=medians[1].value,
        low=change.low if bounded else None,
        high=change.high if bounded else None,
        n=min(len(before), len(after)),
    )


def _median(seconds: Floats) -> IntervalEstimate:
    return IntervalEstimate(float(np.median(seconds)), *quantile_bounds(seconds, 0.5))


def _answer_seconds(app: Application) -> Floats:
    x = app.data.holdout.x[:ASKED]
    _answer(app, x[:1])  # what is done once only

    def seconds(row: int) -> float:
        return with_cpu_seconds(lambda: _answer(app, x[row : row + 1]))[1]

    return np.array([seconds(row) for row in range(len(x))])


def _training_seconds(app: Application) -> Floats:
    trainer, found = app.trainer, list[float]()
    expected = time_training(app)
    if expected > LONGEST:  # it was trained once already, and others need the time
        return np.array([expected])
    while trainer is not None and len(found) < TRAININGS and sum(found) < LONGEST:
        found.append(with_cpu_seconds(lambda: trainer.fit(app.data.train, SEED))[1])
    return np.array(found)
