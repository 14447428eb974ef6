"""What a defence costs: accuracy, harmless inputs declined, time to answer and to train."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from goalkeeper.compute.stopwatch import with_cpu_seconds
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools
from goalkeeper.core.power import View
from goalkeeper.hardening.records import SideEffect
from goalkeeper.stats import paired_difference

ASKED = 100  # inputs by which the time of an answer is measured, one by one
SEED = 0


def measure_side_effects(before: Application, after: Application) -> tuple[SideEffect, ...]:
    """Compare both on the records of the holdout, which neither was trained on.

    Times are CPU seconds: of one answer, and of one training.
    """
    return (*_of_answers(before, after), *_of_times(before, after))


def _of_answers(before: Application, after: Application) -> Iterator[SideEffect]:
    data, tolerated = before.data.holdout, before.tolerances
    first, second = (app.target.answer(data.x, View.LABELS).labels for app in (before, after))
    wrong = first != data.y, second != data.y
    yield _share("wrong answers", wrong, tolerated.accuracy_drop)
    if before.harmless is None:
        return
    harmless = data.y == before.harmless
    if harmless.any():
        declined = (first != before.harmless)[harmless], (second != before.harmless)[harmless]
        yield _share("harmless inputs declined", declined, tolerated.benign_rejection)


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


def _of_times(before: Application, after: Application) -> Iterator[SideEffect]:
    answers = [_answer_seconds(app) for app in (before, after)]
    n = min(ASKED, len(before.data.holdout))
    yield SideEffect(what="time of an answer", before=answers[0], after=answers[1], n=n)
    if before.trainer is not None and after.trainer is not None:
        trainings = [_training_seconds(app) for app in (before, after)]
        yield SideEffect(what="time of a training", before=trainings[0], after=trainings[1], n=1)


def _answer_seconds(app: Application) -> float:
    x = app.data.holdout.x[:ASKED]
    app.target.answer(x[:1], View.LABELS)  # what is done once only
    ask = lambda row: app.target.answer(x[row : row + 1], View.LABELS)  # noqa: E731
    return median(with_cpu_seconds(lambda row=row: ask(row))[1] for row in range(len(x)))


def _training_seconds(app: Application) -> float:
    trainer = app.trainer
    if trainer is None:
        return float(np.nan)
    return with_cpu_seconds(lambda: trainer.fit(app.data.train, SEED))[1]
