"""How few records suffice: a search between the doses that an attack handed in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.evidence import Measurement
from goalkeeper.games.poisoning.change import Dose
from goalkeeper.games.poisoning.marks import ALPHA, PoisonTally
from goalkeeper.games.shared.measuring import build_measurement
from goalkeeper.games.tallies import bounds, value

CLOSE = 1.5  # times as many records: near enough for a smallest number


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumPoison:
    """How many records it takes to exceed an edge, as far as the tested doses show.

    Parameters
    ----------
    insufficient
        The most records that were shown not to suffice, and their share of the training data.
    estimate
        The fewest that sufficed in the retrainings, beyond chance or not; infinite if none was
        shown to suffice.
    sufficient
        The fewest that were shown to suffice, and their share; infinite if none was.
    most
        The most that was tested.
    doses
        Doses tested.
    """

    insufficient: tuple[int, float]
    estimate: tuple[float, float]
    sufficient: tuple[float, float]
    most: int
    doses: int

    def measure(self, goal: str, suffix: str = "") -> tuple[Measurement, Measurement]:
        """Show the smallest tested share and number of records that do what `goal` says."""
        numbers = self.estimate[0], float(self.insufficient[0] + 1), self.sufficient[0]
        shares = self.estimate[1], self.insufficient[1], self.sufficient[1]
        note = (
            f"the fewest that were seen to {goal}; interval: where the true number lies if more "
            "poison of this kind never does less"
        )
        return (
            build_measurement(f"smallest_share{suffix}", shares, self.doses, note=note),
            build_measurement(f"smallest_number{suffix}", numbers, self.doses, note=note),
        )

    def describe(self, goal: str) -> str:
        """Return it as a sentence."""
        low, high = self.insufficient[0] + 1, self.sufficient[0]
        if math.isinf(high):
            return f"No number of records up to {self.most:,} was shown to {goal}."
        number = f"{int(self.estimate[0]):,}"
        if low != high:
            number = f"about {number} ({low:,} to {int(high):,})"
        return f"It takes {number} record{'' if high == 1 else 's'} to {goal}."


def find_minimum(
    doses: Sequence[Dose], tallies: Sequence[PoisonTally], edge: float
) -> MinimumPoison:
    """Bracket the number of records that makes the rated metric exceed `edge`.

    A dose suffices when the lower bound of the metric exceeds the edge; it does not when the
    upper bound stays below. Each bound holds with 97.5 % for all doses together. Doses above the
    first that suffices do not matter.
    """
    order = sorted(range(len(doses)), key=lambda i: doses[i].number)
    alpha = ALPHA / len(doses)
    insufficient, never = (0, 0.0), (math.inf, math.inf)
    estimate = sufficient = never
    for i in order:
        both, this = bounds(tallies[i], alpha), (doses[i].number, doses[i].share)
        if estimate == never and value(tallies[i]) > edge:
            estimate = this
        if both.low > edge:
            sufficient = this
            break
        if both.high <= edge:
            insufficient, estimate = this, never
    return MinimumPoison(
        insufficient=insufficient,
        estimate=never if sufficient == never else estimate,
        sufficient=sufficient,
        most=doses[order[-1]].number,
        doses=len(doses),
    )


def search_minimum(
    doses: Sequence[Dose],
    tallies: Sequence[PoisonTally],
    edge: float,
    count: Callable[[Dose], PoisonTally],
    steps: int,
) -> MinimumPoison:
    """Bracket the number of records like `find_minimum`, after a search between the doses.

    Where a dose was shown to suffice, the first records of the smallest dose that sufficed in the
    retrainings are tried: as many as halve the ratio between that dose and the one before on a
    logarithmic scale, then on in the half where the metric crosses the edge, until both ends
    differ by at most half, or `steps` were tried. `count` retrains on a dose and tallies it.
    """
    doses, tallies = list(doses), list(tallies)
    if math.isinf(find_minimum(doses, tallies, edge).sufficient[0]):
        return find_minimum(doses, tallies, edge)
    crossing = next(i for i, tally in enumerate(tallies) if value(tally) > edge)
    low, high = doses[crossing - 1].number if crossing else 0, doses[crossing].number
    whole = doses[crossing]
    for _ in range(steps):
        if high - low <= 1 or high <= CLOSE * low:
            break
        middle = int(np.clip(round(math.sqrt(max(low, 1) * high)), low + 1, high - 1))
        doses.append(whole.first(middle))
        tallies.append(count(doses[-1]))
        low, high = (low, middle) if value(tallies[-1]) > edge else (middle, high)
    return find_minimum(doses, tallies, edge)
