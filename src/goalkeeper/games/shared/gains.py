"""Gains over the best without any query: counts, bounds, and the curve over queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.data import Bools
from goalkeeper.core.evidence import Curve, Gain, Measurement, Trial
from goalkeeper.games.tallies import shown
from goalkeeper.stats import clopper_pearson

POINTS = 6  # of a curve, at most


@dataclass(frozen=True, slots=True)
class Found:
    """Successes of an attack, and of the best without any query, each of a number of tries."""

    successes: int
    n: int
    baseline_successes: int
    baseline_n: int

    @property
    def tally(self) -> Gain:
        """The counts as they are stored."""
        return Gain(
            successes=self.successes,
            n=self.n,
            baseline_successes=self.baseline_successes,
            baseline_n=self.baseline_n,
        )

    def measured(self, metric: str, note: str) -> Measurement:
        """Return the gain as people see it, with its two-sided 95 % interval."""
        value, low, high = shown(self.tally)
        return Measurement(
            metric=metric,
            value=value,
            low=low,
            high=high,
            baseline=0.0,
            n=self.n,
            note=note,
        )


def gain(point: Checkpoint, found: Found) -> Trial:
    """Return the trial of one answer of a single campaign."""
    spent = float(point.queries[0])
    return Trial(
        budget=spent, queries=spent, compute_h=point.cost.seconds / 3600, tally=found.tally
    )


def share(metric: str, hits: Bools, baseline: float, note: str) -> Measurement:
    """Measure a share of inputs with its exact 95 % interval."""
    low, high = clopper_pearson(int(hits.sum()), len(hits))
    return Measurement(
        metric=metric,
        value=float(hits.mean()),
        low=low,
        high=high,
        baseline=baseline,
        n=len(hits),
        note=note,
    )


def thinned(answers: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Keep the last answer of each spending, and of those at most six, spread geometrically.

    They are chosen by what was spent alone, so that nothing picks the lucky ones.
    """
    last = {int(point.queries[0]): point for point in answers}
    spent = np.array(sorted(last))
    if len(spent) <= POINTS:
        return [last[s] for s in spent.tolist()]
    wanted = np.geomspace(spent[0] + 1, spent[-1] + 1, POINTS) - 1
    near = {int(np.abs(np.log1p(spent) - np.log1p(w)).argmin()) for w in wanted}
    return [last[int(spent[i])] for i in sorted(near)]


def curve(trials: Sequence[Trial]) -> Curve:
    """Draw the gain over the queries spent."""
    found = [shown(trial.tally) for trial in trials]
    return Curve(
        budget="queries",
        unit="queries",
        x=tuple(trial.budget for trial in trials),
        value=tuple(value for value, _, _ in found),
        low=tuple(low for _, low, _ in found),
        high=tuple(high for _, _, high in found),
    )
