"""Teach in small steps, measure the drift, and stop before the monitor would notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.teaching._wrong_feedback import (
    choose_wrong_feedback,
    cut_batches,
    spread_evenly,
)
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data
from goalkeeper.core.feedback import FeedbackBatch
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.teaching import FeedbackChannel, FeedbackPlan, Teaching


@final
@dataclass(frozen=True, kw_only=True)
class SlowDrift(Attack[FeedbackChannel, FeedbackPlan]):
    """Give a little wrong feedback a round, and track the accuracy as the monitor does.

    After every round the attacker queries the application with own records that it never
    reports, and stops for good once their accuracy has fallen by a part of the monitor's
    tolerance. Without a monitor it continues to the end.

    Settings
    --------
    part
        Part of the monitor's tolerance at which it stops: the reference set differs from one's
        own records, and the alarm must not be raised by chance either.
    watched
        Part of the attacker's own records that is asked about and never reported.
    most_watched
        Records that are asked about each round, at most.
    step
        Most wrong feedback a round, as a share of the training data: a larger step would overshoot
        the alarm before it is measured.

    Deviations: the paper bounds each update from outside; here the attacker bounds the sum of all
    by what it measures itself.
    """

    game: ClassVar[type[Teaching]] = Teaching
    variant: ClassVar[str] = "teaching.online_feedback"
    reference: ClassVar[str] = (
        "Kloft, Laskov: Online Anomaly Detection under Adversarial Impact (AISTATS 2010), "
        "poisoning in bounded steps"
    )
    tasks: ClassVar[tuple[str, ...]] = ("taught-*",)
    asks: ClassVar[Power] = Power(
        knowledge=Knowledge(data=Grade.PARTIAL),
        capabilities=Capability.M2,
        budget=Budget(queries=100),
    )
    part: float = 0.5
    watched: float = 0.4
    most_watched: int = 400
    step: float = 0.005

    def run(self, question: FeedbackChannel, access: Access) -> FeedbackPlan:
        """Give batches as long as the own measurement allows."""
        data = access.data()
        shuffled = access.rng.permutation(len(data))
        loop = question.loop
        room = int(min(access.left()[0], 2**31)) // (loop.rounds + 1)
        size = min(int(self.watched * len(data)), self.most_watched, room)
        records, labels = choose_wrong_feedback(question, access, data.take(shuffled[size:]))
        total = min(question.most(access.granted.budget.share), len(records))
        each = question.each
        if loop.monitor is not None:
            each = min(each, max(1, int(self.step * question.rows)))
        planned = cut_batches(records, labels, spread_evenly(total, loop.rounds, each))
        if loop.monitor is None or not size:
            return FeedbackPlan(batches=planned)
        return self._stop_before_alarm(planned, access, data.take(shuffled[:size]), loop.monitor)

    def _stop_before_alarm(
        self, planned: tuple[FeedbackBatch, ...], access: Access, watched: Data, limit: float
    ) -> FeedbackPlan:
        """Give batch after batch; the last is the one that moves the accuracy far enough."""
        start = _measure_accuracy(access, watched)
        given: list[FeedbackBatch] = []
        now = access
        for batch in planned:
            now = now.teach(batch)
            given.append(batch)
            if start - _measure_accuracy(now, watched) > self.part * limit:
                break
        return FeedbackPlan(batches=tuple(given))


def _measure_accuracy(access: Access, watched: Data) -> float:
    return float(np.mean(access.query(watched.x).labels == watched.y))
