"""Grow inputs step by step, by how long each takes, without ever asking one that takes for ever."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Inputs

ORDINARY = 6  # ordinary inputs that are timed first
# A step that costs so many times the one before, and an ordinary input, is timed again.
AGAIN, NOISE = 1.5, 2.0
# What a single answer may cost at most: enough to show a factor, and bearable a hundred times over.
SECONDS, TIMES_ORDINARY = 0.05, 20.0
COUNTED_TIMES = 1000.0  # of an ordinary answer, where operations are counted
# Sizes up to which costs may grow exponentially: whatever grows by a tenth at each step has shown
# itself by then. Beyond, a power law goes on; the third power is assumed where none can be fitted.
EXPONENTIAL, POWER = 60.0, 3.0
REFINEMENTS = 2
READING = (
    7e-8  # seconds, about, in which a character is read: a larger text may take so much longer
)
SAFE = 0.25  # share of what an answer may cost

Make = Callable[[float, np.random.Generator], Any]


@dataclass(frozen=True, eq=False, slots=True)
class Shape:
    """Inputs of a kind that grow: made of a size and of random numbers.

    `sizes` ascend; inputs that are not slower at `give_up` are not tried any larger.
    """

    name: str
    make: Make
    sizes: tuple[float, ...]
    give_up: float = math.inf


@dataclass(frozen=True, eq=False, slots=True)
class Grown:
    """The size at which a shape was slowest, of those that were asked, and its cost.

    `safe` is the largest size that took far less than an answer may cost; 0 where there is none.
    """

    shape: Shape
    size: float
    cost: float
    safe: float


@dataclass(eq=False)
class Prober:
    """Asks single inputs, and knows what ordinary ones cost and what one may cost at most.

    `left` is what the search may still cost: seconds, or without limit where operations are
    counted.
    """

    access: Access
    wrap: Callable[[Any], Inputs]  # one value as inputs (1, ...)
    left: float
    base: float = 0.0
    cap: float = field(default=math.inf)
    reading: float = READING

    def begin(self, examples: Inputs) -> None:
        """Time a few ordinary inputs; the first answer may load something and does not count."""
        asked = int(min(ORDINARY, len(examples), self.access.left().min()))
        found = self.access.answer_costs(examples[:asked])
        self.base = float(np.median(found.values[1:] if asked > 1 else found.values))
        if found.unit == "operations":
            self.cap, self.left, self.reading = COUNTED_TIMES * self.base, math.inf, 0.0
        else:
            self.cap = max(SECONDS, TIMES_ORDINARY * self.base)

    @property
    def open(self) -> bool:
        """Whether another input may be asked."""
        return self.left > 0 and self.access.left().min() >= 1

    def cost(self, value: Any, expected: float) -> float:
        """Return what one input costs; the lesser of two where it is far more than expected."""
        cost = self._ask(value)
        if max(AGAIN * expected, NOISE * self.base) < cost < self.cap and self.open:
            cost = min(cost, self._ask(value))
        return cost

    def _ask(self, value: Any) -> float:
        cost = float(self.access.answer_costs(self.wrap(value)).values[0])
        self.left -= cost
        return cost


def climb(shape: Shape, prober: Prober) -> Grown | None:
    """Ask inputs of growing size while the next is not expected to take too long.

    Returns
    -------
    Grown or None
        The slowest; None where nothing more may be asked.
    """
    seen = [(0.0, prober.base)]
    for size in shape.sizes:
        if not prober.open:
            break
        if predict(seen, size) > prober.cap:
            refine(shape, prober, seen, size)
            break
        seen.append((size, prober.cost(shape.make(size, prober.access.rng), seen[-1][1])))
        slow = seen[-1][1] > AGAIN * prober.base
        if seen[-1][1] >= prober.cap or (size >= shape.give_up and not slow):
            break
    if len(seen) == 1:
        return None
    size, cost = max(seen[1:], key=lambda one: one[1])
    safe = max((s for s, c in seen if c < SAFE * prober.cap), default=0.0)
    return Grown(shape, size, cost, safe)


def refine(shape: Shape, prober: Prober, seen: list[tuple[float, float]], too_large: float) -> None:
    """Ask sizes between the last one and one that would take too long, as large as may be."""
    for _ in range(REFINEMENTS):
        low, high = seen[-1][0], too_large
        while high - low > 1 and high / max(low, 1.0) > 1.01:
            middle = math.floor((low + high) / 2)
            if not low < middle < high:  # sizes of rows are values, and need be no whole numbers
                break
            low, high = (middle, high) if predict(seen, middle) <= prober.cap else (low, middle)
        if low <= seen[-1][0] or not prober.open or seen[-1][1] >= prober.cap / 2:
            return
        seen.append((low, prober.cost(shape.make(low, prober.access.rng), seen[-1][1])))


def predict(seen: list[tuple[float, float]], size: float) -> float:
    """Predict what a larger input costs from the costs `(size, cost)` of smaller ones.

    Of small inputs, an exponential law through the last two; of larger ones a power law in what
    they cost beyond the first entry, an ordinary input of no size.
    """
    base, (s, c) = seen[0][1], seen[-1]
    if len(seen) == 1:
        return base
    before, b = seen[-2]
    if size <= EXPONENTIAL:
        growth = math.log(max(c / b, 1.0)) if b > 0 else 0.0
        return _exponentiate(c, growth * (size - s) / (s - before))
    power = POWER
    if b - base > base / 2 and c > b:
        power = max(1.0, math.log((c - base) / (b - base)) / math.log(s / before))
    return base + _exponentiate(max(c - base, 0.0), power * math.log(size / s))


def _exponentiate(cost: float, growth: float) -> float:
    return cost * math.exp(min(growth, 500.0))
