"""What kinds of inputs cost beside ordinary ones: the slowest is found, then measured on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.answer_costs import CostUnit
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.evidence import Latency
from goalkeeper.games.exhaustion.question import InputKind
from goalkeeper.games.exhaustion.timing import (
    GroupTimer,
    draw_inputs,
    read_costs,
)

# Inputs from which on the 99th percentile is compared, not the median: 4 of 400 lie beyond it.
MIN_INPUTS_FOR_TAIL = 400
MIN_MEASURED = 8  # different inputs of a kind, beyond those that are screened


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Screening:
    """Costs of a few inputs of every kind, and of as many ordinary ones.

    `reading` is what it takes to read inputs of each kind beyond ordinary ones.
    """

    costs: Sequence[Floats]
    ordinary: Floats
    reading: Sequence[float]

    def factor(self, kind: int) -> float:
        """Return how many times as slow as ordinary inputs a kind is; 0 where none was asked."""
        if not len(self.costs[kind]) or not len(self.ordinary):
            return 0.0
        usual = float(np.median(self.ordinary)) + self.reading[kind]
        return float(np.median(self.costs[kind])) / max(usual, np.finfo(float).tiny)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KindCosts:
    """Costs of the inputs of one kind and of ordinary ones.

    `reading` is what it takes to read an input of the kind beyond an ordinary one.
    """

    attack: Floats
    ordinary: Floats
    reading: float
    unit: CostUnit

    @property
    def enough(self) -> bool:
        """Whether so many inputs were measured that a median can be bounded."""
        return min(len(self.attack), len(self.ordinary)) >= MIN_MEASURED

    @property
    def tally(self) -> Latency:
        """The costs as they are rated."""
        few = min(len(self.attack), len(self.ordinary)) < MIN_INPUTS_FOR_TAIL
        return Latency(
            attack=tuple(self.attack.tolist()),
            benign=tuple((self.ordinary + self.reading).tolist()),
            quantile=0.5 if few else 0.99,
            unit=self.unit,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KindTimer:
    """Measures kinds of inputs in turns with ordinary ones.

    Parameters
    ----------
    timer
        Asks the inputs.
    clock
        Seconds since some start.
    ordinary
        Ordinary inputs `(m, ...)`.
    rng
        Draws inputs, and the order in which they are asked.
    """

    timer: GroupTimer
    clock: Callable[[], float]
    ordinary: Inputs
    rng: np.random.Generator

    def screen(self, groups: Sequence[Inputs], rounds: int) -> Screening:
        """Measure a few inputs of each kind."""
        usual = draw_inputs(self.ordinary, max(map(len, groups)), self.rng)
        *costs, ordinary = self.timer.measure([*groups, usual], rounds, self.rng)
        reading = [self._read(x, usual) for x in groups]
        return Screening(costs=costs, ordinary=ordinary, reading=reading)

    def measure(self, groups: Mapping[int, Inputs], n: int, rounds: int) -> dict[int, KindCosts]:
        """Measure the slowest kinds on inputs of their own, `n` each."""
        usual = draw_inputs(self.ordinary, n, self.rng)
        *costs, ordinary = self.timer.measure([*groups.values(), usual], rounds, self.rng)
        return {
            k: KindCosts(
                attack=cost,
                ordinary=ordinary,
                reading=self._read(x, usual),
                unit=self.timer.meter.unit,
            )
            for (k, x), cost in zip(groups.items(), costs, strict=True)
        }

    def _read(self, x: Inputs, usual: Inputs) -> float:
        if self.timer.meter.unit == "operations":
            return 0.0
        over, under = (
            float(np.median(read_costs(one[:MIN_MEASURED], self.clock))) for one in (x, usual)
        )
        return max(0.0, over - under)


def find_slowest(
    kinds: Sequence[InputKind], screening: Screening, handed_in: Sequence[int], screened: int
) -> list[int]:
    """Return the slowest kind of the first so many, for each number of kinds handed in."""
    needed = screened + MIN_MEASURED
    factors = [
        screening.factor(k) if len(kind.x) >= needed else -1.0 for k, kind in enumerate(kinds)
    ]
    return [int(np.argmax(factors[:count])) for count in handed_in]
