"""What answers cost: groups of inputs asked one at a time, in turns, and never for too long."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.answer_costs import CostMeter
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.deadline import check_time
from goalkeeper.core.text import TERM

READINGS = 3  # times that a text is read, of which the median counts


@dataclass(frozen=True, eq=False, slots=True)
class GroupTimer:
    """Asks all inputs of several groups in turns, round by round.

    Parameters
    ----------
    meter
        Reads what each answer costs.
    patience
        Seconds after which no further round is begun.
    limit
        Seconds after which nothing more is asked, also in the middle of the first round.
    """

    meter: CostMeter
    patience: float
    limit: float

    def measure(
        self, groups: Sequence[Inputs], rounds: int, rng: np.random.Generator
    ) -> list[Floats]:
        """Return what each input of each group costs, `(n,)` a group, the median over rounds.

        In every round all inputs of all groups are asked once, alone and in a new random order,
        so that whatever slows the machine down meets all groups alike. Inputs that the limit left
        unasked are left out: which ones is random. Counted operations know no limit.
        """
        places = [(g, i) for g, group in enumerate(groups) for i in range(len(group))]
        start = self.meter.read()
        for group in groups:
            self.meter.measure_one(group[:1])  # the first answer may load or compile something
        counted = self.meter.unit == "operations"
        seen: list[Floats] = []
        while len(seen) < rounds:
            costs = np.full(len(places), math.nan)
            seen.append(costs)
            for k in rng.permutation(len(places)).tolist():
                if not counted and self.meter.read() - start > self.limit:
                    break
                g, i = places[k]
                costs[k] = self.meter.measure_one(groups[g][i : i + 1])
            if not counted and self.meter.read() - start > self.patience:
                break
        edges = np.cumsum([len(group) for group in groups])[:-1]
        return [_take_medians(part) for part in np.split(np.stack(seen), edges, axis=1)]


def _take_medians(costs: NDArray[np.float64]) -> Floats:
    """Return the median of each input `(rounds, n)` that was asked at all.

    The median over rounds ignores rounds in which the machine was busy with something else.
    """
    asked = costs[:, ~np.isnan(costs).all(axis=0)]
    return np.asarray(np.nanmedian(asked, axis=0) if asked.size else asked[0])


def read_costs(x: Inputs, clock: Callable[[], float]) -> Floats:
    """Return the seconds `(n,)` in which this machine reads each text once; 0 for other inputs.

    To read is to count the characters and the words: what any application that looks at the whole
    text does at least.
    """
    if x.dtype != object:
        return np.zeros(len(x))
    taken = np.zeros((READINGS, len(x)))
    for row in taken:
        for i, text in enumerate(x):
            check_time()
            start = clock()
            Counter(text), Counter(TERM.findall(text.lower()))
            row[i] = clock() - start
    return np.asarray(np.median(taken, axis=0))


def draw_inputs(x: Inputs, n: int, rng: np.random.Generator) -> Inputs:
    """Draw inputs, each once where there are enough."""
    rows = rng.permutation(len(x))[:n] if len(x) >= n else rng.integers(0, len(x), n)
    return np.asarray(x[rows])
