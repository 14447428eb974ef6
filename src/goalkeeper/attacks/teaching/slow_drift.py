"""Teach in small steps, measure the drift, and stop before the monitor would notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.teaching._lies import course, evenly, lies
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data
from goalkeeper.core.feedback import Lesson
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.teaching import Channel, Course, Teaching


@final
@dataclass(frozen=True, kw_only=True)
class SlowDrift(Attack[Channel, Course]):
    """Give a little wrong feedback a round, and watch the accuracy as the monitor does.

    After every round the attacker asks the application about records of its own that it never
    reports, and stops for good once their accuracy has fallen by a part of what the monitor
    bears. Without a monitor it goes on to the end.

    Settings
    --------
    part
        Part of the monitor's tolerance at which it stops: the reference set differs from one's
        own records, and the alarm must not be met by luck either.
    watched
        Part of one's own records that is asked about and never reported.
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

    def run(self, question: Channel, access: Access) -> Course:
        """Give lessons as long as the own measurement allows."""
        data = access.data()
        shuffled = access.rng.permutation(len(data))
        loop = question.loop
        room = int(min(access.left()[0], 2**31)) // (loop.rounds + 1)
        size = min(int(self.watched * len(data)), self.most_watched, room)
        own, labels = lies(question, access, data.take(shuffled[size:]))
        total = min(question.most(access.granted.budget.share), len(own))
        each = question.each
        if loop.monitor is not None:
            each = min(each, max(1, int(self.step * question.rows)))
        planned = course(own, labels, evenly(total, loop.rounds, each))
        if loop.monitor is None or not size:
            return Course(lessons=planned)
        return self._until_seen(planned, access, data.take(shuffled[:size]), loop.monitor)

    def _until_seen(
        self, planned: tuple[Lesson, ...], access: Access, watched: Data, limit: float
    ) -> Course:
        """Give lesson after lesson; the last is the one that moves the accuracy far enough."""
        start = _right(access, watched)
        given: list[Lesson] = []
        now = access
        for lesson in planned:
            now = now.teach(lesson)
            given.append(lesson)
            if start - _right(now, watched) > self.part * limit:
                break
        return Course(lessons=tuple(given))


def _right(access: Access, watched: Data) -> float:
    return float(np.mean(access.query(watched.x).labels == watched.y))
