"""From counts to what a report shows: measurements, trials and curves, for every game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.data import Bools
from goalkeeper.core.evidence import Curve, Gain, Measurement, Tally, Trial
from goalkeeper.games.tallies import estimate_tally, paired_gain
from goalkeeper.stats import clopper_pearson

MOST_POINTS = 6  # of a curve of gains
ValueInterval = tuple[float, float, float]  # a value, and its two-sided 95 % interval


# ---- measurements --------------------------------------------------------------------------------


def build_measurement(
    metric: str,
    estimate: ValueInterval,
    n: int,
    baseline: float = 0.0,
    *,
    group: str = "",
    note: str = "",
) -> Measurement:
    """Name a value with its interval."""
    value, low, high = estimate
    return Measurement(
        metric=metric,
        value=value,
        low=low,
        high=high,
        baseline=baseline,
        n=n,
        group=group,
        note=note,
    )


def measure_count(
    metric: str, count: int, n: int, baseline: float = 0.0, *, group: str = "", note: str = ""
) -> Measurement:
    """Measure a share of `n` items with its exact 95 % interval."""
    estimate = (count / n, *clopper_pearson(count, n))
    return build_measurement(metric, estimate, n, baseline, group=group, note=note)


def measure_rate(
    metric: str, hits: Bools, baseline: float = 0.0, *, group: str = "", note: str = ""
) -> Measurement:
    """Measure the share of hits `(n,)` with its exact 95 % interval."""
    estimate = (float(hits.mean()), *clopper_pearson(int(hits.sum()), len(hits)))
    return build_measurement(metric, estimate, len(hits), baseline, group=group, note=note)


def measure_mean_rate(
    metric: str, hits: Bools, baseline: float = 0.0, *, note: str = ""
) -> Measurement:
    """Measure the mean share of hits `(repetitions, n)`; the interval is that of n items.

    Repetitions look at the same items and are not independent, so they do not narrow it.
    """
    n, mean = hits.shape[1], float(hits.mean())
    return build_measurement(metric, (mean, *clopper_pearson(mean * n, n)), n, baseline, note=note)


# ---- trials and curves ---------------------------------------------------------------------------


def build_query_trial(point: Checkpoint, tally: Tally) -> Trial:
    """Return the trial of one answer; its budget is the most queries of any campaign."""
    spent = float(point.queries.max())
    return Trial(budget=spent, queries=spent, compute_h=point.cost.seconds / 3600, tally=tally)


def draw_curve(trials: Sequence[Trial], budget: str = "queries", unit: str = "queries") -> Curve:
    """Draw the metric over the budget spent."""
    estimates = [estimate_tally(trial.tally) for trial in trials]
    return Curve(
        budget=budget,
        unit=unit,
        x=tuple(trial.budget for trial in trials),
        value=tuple(value for value, _, _ in estimates),
        low=tuple(low for _, low, _ in estimates),
        high=tuple(high for _, _, high in estimates),
    )


def last_checkpoints(answers: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the last answer of each spending, in the order in which spendings first occur."""
    return list({int(point.queries.max()): point for point in answers}.values())


def thinned_checkpoints(answers: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the last answer of each spending, and of those at most six, spread geometrically.

    They are chosen by what was spent alone, so that no answer is picked for its result.
    """
    last = {int(point.queries[0]): point for point in answers}
    spent = np.array(sorted(last))
    if len(spent) <= MOST_POINTS:
        return [last[s] for s in spent.tolist()]
    # Shifted by 1, as an answer without any query has no logarithm.
    wanted = np.geomspace(spent[0] + 1, spent[-1] + 1, MOST_POINTS) - 1
    near = {int(np.abs(np.log1p(spent) - np.log1p(w)).argmin()) for w in wanted}
    return [last[int(spent[i])] for i in sorted(near)]


# ---- gains over the best without any query -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GainCounts:
    """Successes of an attack, and of the best without any query, each of a number of tries.

    `both` counts those in common, where they answered the same questions.
    """

    successes: int
    n: int
    baseline_successes: int
    baseline_n: int
    both: int | None = None

    @classmethod
    def paired(cls, attack: Bools, baseline: Bools) -> GainCounts:
        """Count what is right `(n,)` of two that answered the same questions."""
        counts = paired_gain(attack, baseline)
        return cls(counts.successes, counts.n, counts.baseline_successes, counts.n, counts.both)

    @property
    def tally(self) -> Gain:
        """The counts as they are stored."""
        return Gain(
            successes=self.successes,
            n=self.n,
            baseline_successes=self.baseline_successes,
            baseline_n=self.baseline_n,
            both=self.both,
        )

    @property
    def baseline(self) -> float:
        """Success rate without any query."""
        return self.baseline_successes / self.baseline_n

    def measure(self, metric: str, note: str) -> Measurement:
        """Return the gain with its two-sided 95 % interval."""
        return build_measurement(metric, estimate_tally(self.tally), self.n, note=note)

    def measure_hits(self, metric: str, note: str) -> Measurement:
        """Return the success rate itself, beside that without any query."""
        return measure_count(metric, self.successes, self.n, self.baseline, note=note)


def build_gain_trial(point: Checkpoint, counts: GainCounts) -> Trial:
    """Return the trial of one answer of a single campaign."""
    return build_query_trial(point, counts.tally)
