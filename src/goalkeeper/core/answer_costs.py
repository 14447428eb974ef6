"""What answers cost: seconds by a clock, or the operations that a target counts itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.asking import again
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View

CostUnit = Literal["seconds", "operations"]


@dataclass(frozen=True, eq=False, slots=True)
class AnswerCosts:
    """What it cost to answer each input, `(n,)`, and the unit of that."""

    values: Floats
    unit: CostUnit


@dataclass(frozen=True, eq=False, slots=True)
class CostMeter:
    """Asks a target about one input at a time, and reads what each answer costs.

    A target's own count (`work()`, a number that grows with every answer) goes before the clock:
    it is the same in every run.
    """

    target: Target
    read: Callable[[], float]
    unit: CostUnit

    @classmethod
    def of(cls, target: Target, clock: Callable[[], float]) -> CostMeter:
        """Return a meter of the target's own operations, or of the clock's seconds."""
        count = getattr(target, "work", None)
        asked = again(target, None)  # an answer from memory would take no time
        in_full = getattr(asked, "without_shortcuts", None)
        asked = asked if in_full is None else in_full()
        if count is not None:
            return cls(asked, count, "operations")
        return cls(asked, clock, "seconds")

    def measure_one(self, x: Inputs) -> float:
        """Return the cost of answering `(1, ...)`; a refusal costs what it took until it came.

        Raises
        ------
        TimeIsUp
            The time limit of the surroundings is over; a target itself need not look at it.
        """
        check_time()
        start = self.read()
        with suppress(TargetError):
            self.target.answer(x, View.LABELS)
        return self.read() - start

    def measure(self, x: Inputs) -> AnswerCosts:
        """Return the costs of answering inputs `(n, ...)`, one after the other."""
        costs = [self.measure_one(x[i : i + 1]) for i in range(len(x))]
        return AnswerCosts(np.array(costs, dtype=np.float64), self.unit)
