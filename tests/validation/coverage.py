"""Coverage of every kind of interval that a report shows, on data whose truth is known.

A report shows intervals of 95 %: each of the two bounds is wrong with 2.5 % at most. Bounds that
are rated are the same functions at another error. What is counted: how often a lower bound lies
above the truth, and how often an upper bound lies below it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from goalkeeper.core.evidence import Accuracy, DamageCount, Gain, Proportion, Ratio, RatioAt
from goalkeeper.games.shared.measuring import measure_count, measure_mean_rate
from goalkeeper.games.tallies import bounds, paired_gain, paired_proportion
from goalkeeper.stats import (
    IntervalEstimate,
    auc,
    break_ties,
    calibrated_threshold,
    counts_at_threshold,
    epsilon_lower_bound,
    mean_t,
    nondecreasing_band,
    paired_difference,
    simultaneous_auc,
    subtract,
    tpr_at_fpr,
)
from goalkeeper.stats.latency import latency_factor, quantile_bounds
from tests.validation.rows import Finding, Row

SIDE = 0.025  # error of one bound of what a report shows
# Chance that a row fails although the error of each of its bounds is what it must be.
RARE = 1e-3
SIMULATIONS, FEW = 2000, 150
Draw = Callable[[np.random.Generator], tuple[float, float, float]]  # low, high, truth


@dataclass(frozen=True)
class Coverage:
    """Count how often an interval misses the truth, on either side."""

    draw: Draw
    alpha: float = SIDE  # of one side

    def __call__(self, simulations: int, rng: np.random.Generator) -> Finding:
        """Simulate, and hold the misses of each side against the binomial law."""
        found = np.array([self.draw(rng) for _ in range(simulations)])
        low, high, truth = found.T
        above, below = int((low > truth + 1e-12).sum()), int((high < truth - 1e-12).sum())
        covered = 1 - (above + below) / simulations
        allowed = int(binom.isf(RARE, simulations, self.alpha))
        return Finding(
            measured=f"{covered:.1%}; lower bound above the truth {above / simulations:.1%}, upper "
            f"bound below it {below / simulations:.1%}",
            cases=simulations,
            passed=max(above, below) <= allowed,
        )


# ---- shares, and comparisons of shares -----------------------------------------------------------


def share(rate: float, n: int) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        shown = measure_count("", int(rng.binomial(n, rate)), n)
        return shown.low, shown.high, rate

    return draw


def mean_share(n: int, repetitions: int) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        chance = rng.beta(0.3, 0.7, n)  # of each item, the same in all repetitions
        shown = measure_mean_rate("", rng.random((repetitions, n)) < chance)
        return shown.low, shown.high, 0.3

    return draw


def accuracy(rate: float, n: int) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        return *bounds(Accuracy(correct=int(rng.binomial(n, rate)), n=n), SIDE), rate

    return draw


def two_samples(kind: type[Proportion | Gain], a: float, n: int, b: float, base_n: int) -> Draw:
    truth = a - b if kind is Proportion else (a - b) / (1 - b)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        tally = kind(
            successes=int(rng.binomial(n, a)),
            n=n,
            baseline_successes=int(rng.binomial(base_n, b)),
            baseline_n=base_n,
        )
        return *bounds(tally, SIDE), truth

    return draw


def pairs(
    make: Callable[..., Proportion | Gain], shares: tuple[float, float, float], n: int
) -> Draw:
    """Draw items with both, with the attack only and with the baseline only."""
    both, attack, baseline = shares
    difference = attack - baseline
    truth = difference if make is paired_proportion else difference / (1 - both - baseline)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        kind = rng.choice(4, n, p=[both, attack, baseline, 1 - sum(shares)])
        return *bounds(make(kind < 2, (kind == 0) | (kind == 2)), SIDE), truth

    return draw


def difference_of_differences(n: int) -> Draw:
    """Draw as attribute inference does: two paired differences, one subtracted from the other."""

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        inside = rng.multinomial(n, [0.10, 0.05, 0.85])
        outside = rng.multinomial(n, [0.06, 0.05, 0.89])
        first, second = (
            IntervalEstimate((up - down) / n, *paired_difference(int(up), int(down), n, alpha=SIDE))
            for up, down, _ in (inside, outside)
        )
        return *subtract(first, second)[1:], 0.04

    return draw


def curve(rng: np.random.Generator) -> tuple[float, float, float]:
    band = nondecreasing_band(np.cumsum(rng.multinomial(100, [0.1, 0.2, 0.3, 0.4])[:3]), 100)
    return float(band.low[1]), float(band.high[1]), 0.3


# ---- scores of members and others ----------------------------------------------------------------


def area(members: int, others: int, shift: float, *, steps: bool = False) -> Draw:
    """Draw normal scores; `steps` leaves only whether they exceed 1, as of labels."""
    high = (1 - ndtr(1 - shift), 1 - ndtr(1))
    truth = 0.5 + (high[0] - high[1]) / 2 if steps else float(ndtr(shift / np.sqrt(2)))

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        inside, outside = rng.normal(shift, 1, members), rng.normal(0, 1, others)
        if steps:
            inside, outside = (inside > 1).astype(float), (outside > 1).astype(float)
        return *auc(inside, outside)[1:], truth

    return draw


def groups(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw 20 groups that leak nothing: the worst of their bounds on either side."""
    drawn = {str(i): (rng.normal(size=40), rng.normal(size=40)) for i in range(20)}
    found = simultaneous_auc(drawn).values()
    return max(one.low for one in found), min(one.high for one in found), 0.5


def found_rate(n: int, shift: float, fpr: float, *, stored: float = 0.0) -> Draw:
    """Draw normal scores, or, where a share is `stored`, of 1 for it and else 0."""
    normal = float(ndtr(shift + ndtri(fpr)))

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        inside, outside = rng.normal(shift, 1, n), rng.normal(0, 1, n)
        truth = normal
        if stored:
            inside, outside = (rng.random(n) < stored).astype(float), np.zeros(n)
            truth = stored + (1 - stored) * fpr
        ranks = break_ties(np.concatenate([inside, outside]), rng)
        return *tpr_at_fpr(ranks[:n], ranks[n:], fpr)[1:3], truth

    return draw


def likelihood_ratio(n: int, shift: float, rates: tuple[float, ...]) -> Draw:
    """Draw as the membership game does: thresholds from other non-members, the largest of all."""

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        inside, outside, aside = rng.normal(shift, 1, n), rng.normal(size=n), rng.normal(size=n)
        at, truth = [], 0.0
        for rate in rates:
            threshold = calibrated_threshold(aside, rate)
            tp, positives, fp, negatives = counts_at_threshold(inside, outside, threshold)
            at.append(
                RatioAt(
                    fpr=rate,
                    true_positives=tp,
                    positives=positives,
                    false_positives=fp,
                    negatives=negatives,
                )
            )
            truth = max(truth, float(ndtr(shift - threshold) / ndtr(-threshold)))
        return *bounds(Ratio(at=tuple(at)), SIDE), truth

    return draw


def epsilon(truth: float, n: int) -> Draw:
    """Draw answers of randomised response, which is exactly as private as its epsilon says."""
    right = 1 / (1 + np.exp(-truth))

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        hits, alarms = int(rng.binomial(n, right)), int(rng.binomial(n, 1 - right))
        return epsilon_lower_bound(hits, n, alarms, n), np.inf, truth

    return draw


# ---- damage, and times ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Retrainings:
    """Items of unequal difficulty; retrainings that shift them all, and noise of each answer.

    An item is wrong where a normal variable exceeds a limit, which the attack moves by `shift`.
    """

    items: int
    shift: float
    of_retraining: float
    of_answer: float
    of_item: float = 1.0
    number: int = 5

    def __call__(self, rng: np.random.Generator) -> tuple[float, float, float]:
        truth = float(ndtr(self.shift / self.whole + ndtri(0.03))) - 0.03
        return *bounds(self.count(rng), SIDE), truth / 0.01

    @property
    def whole(self) -> float:
        """Standard deviation of all that varies."""
        parts = (1.0, self.of_item, self.of_answer, self.of_retraining)
        return float(np.sqrt(np.square(parts).sum()))

    def count(self, rng: np.random.Generator) -> DamageCount:
        """Retrain, and count what is newly wrong and newly right; 3 % are wrong before."""
        item = rng.normal(0, np.sqrt(1 + self.of_item**2), self.items)
        limit = ndtri(0.03) * self.whole
        wrong = []
        for shift in (0.0, self.shift):
            retraining = rng.normal(0, self.of_retraining, (self.number, 1))
            answer = rng.normal(0, self.of_answer, (self.number, self.items))
            wrong.append(shift + limit + item + retraining + answer > 0)
        gained, lost = wrong[1] & ~wrong[0], wrong[0] & ~wrong[1]
        times = np.stack([gained.sum(axis=0), lost.sum(axis=0)], axis=1)
        kinds, count = np.unique(times, axis=0, return_counts=True)
        return DamageCount(
            gained=tuple(gained.sum(axis=1).tolist()),
            lost=tuple(lost.sum(axis=1).tolist()),
            n=self.items,
            tolerance=0.01,
            items=tuple((int(g), int(v), int(k)) for (g, v), k in zip(kinds, count, strict=True)),
        )


def latency(n: int, q: float, times: float) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        slow, plain = times * rng.lognormal(0, 0.5, n), rng.lognormal(0, 0.5, n)
        return *latency_factor(slow, plain, q=q, alpha=SIDE)[1:], times

    return draw


def median(n: int) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        return *quantile_bounds(rng.lognormal(0, 1, n), 0.5), 1.0

    return draw


def mean(n: int) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        return *mean_t(rng.normal(3, 1, n)), 3.0

    return draw


# ---- rows ----------------------------------------------------------------------------------------

DRAWS: dict[str, Draw] = {
    "share, 30 % of 60": share(0.3, 60),
    "share, 2 % of 400": share(0.02, 400),
    "mean share over 5 repetitions, 60 items": mean_share(60, 5),
    "accuracy between two worlds, 75 % of 60": accuracy(0.75, 60),
    "accuracy between two worlds, 50 % of 200": accuracy(0.5, 200),
    "excess of two samples, 30 % of 60 and 10 % of 60": two_samples(Proportion, 0.3, 60, 0.1, 60),
    "excess of two samples, 2 % of 400 and 1 % of 400": two_samples(
        Proportion, 0.02, 400, 0.01, 400
    ),
    "gain over another sample, 80 % of 300 and 70 % of 300": two_samples(Gain, 0.8, 300, 0.7, 300),
    "gain over another sample, equal": two_samples(Gain, 0.6, 100, 0.6, 100),
    "excess on the same 60 inputs": pairs(paired_proportion, (0.2, 0.3, 0.05), 60),
    "excess on the same 400 inputs, seldom": pairs(paired_proportion, (0.005, 0.02, 0.005), 400),
    "excess on the same 300 inputs, equal": pairs(paired_proportion, (0.2, 0.1, 0.1), 300),
    "gain on the same 300 inputs": pairs(paired_gain, (0.5, 0.2, 0.05), 300),
    "gain on the same 1,000 inputs, near 1": pairs(paired_gain, (0.9, 0.08, 0.005), 1000),
    "gain on the same 30 questions": pairs(paired_gain, (0.4, 0.2, 0.1), 30),
    "difference of differences, 1,000 a side": difference_of_differences(1000),
    "difference of differences, 300 a side": difference_of_differences(300),
    "success over the budget, pointwise": curve,
    "AUC, 20 of each, no leak": area(20, 20, 0.0),
    "AUC, 20 and 200, far apart": area(20, 200, 3.0),
    "AUC, 1,000 of each": area(1000, 1000, 0.5),
    "AUC of labels (two scores)": area(300, 300, 0.5, steps=True),
    "AUC of 20 groups, all at once": groups,
    **{
        f"true positives at {fpr:.0%}, {n:,} of each, separation {shift:g}": found_rate(
            n, shift, fpr
        )
        for n, fpr in ((1000, 0.01), (1000, 0.05), (5000, 0.01))
        for shift in (0.0, 0.5, 1.0, 2.0)
    },
    "true positives at 5 % false alarms, half are stored (ties)": found_rate(
        400, 0.0, 0.05, stored=0.5
    ),
    "likelihood ratio at 5 and 10 %, no leak": likelihood_ratio(1000, 0.0, (0.05, 0.1)),
    "likelihood ratio at 5 and 10 %, separation 1": likelihood_ratio(1000, 1.0, (0.05, 0.1)),
    "likelihood ratio at 1, 5 and 10 %, separation 1": likelihood_ratio(
        5000, 1.0, (0.01, 0.05, 0.1)
    ),
    **{
        f"damage, {items:,} items, shift {shift:g}, retraining noise {a:g}": Retrainings(
            items, shift, a, b
        )
        for items in (60, 530, 3000)
        for shift, a, b in ((0.0, 0.1, 0.5), (0.8, 0.1, 0.5), (1.5, 0.3, 0.3))
    },
    "latency, medians of 30": latency(30, 0.5, 3.0),
    "latency, 99th percentiles of 400": latency(400, 0.99, 3.0),
    "median of 24 sizes": median(24),
    "mean of 5 repetitions": mean(5),
}
SLOW = ("difference of differences", "gain on the same 1,000", "on the same 300")  # 20 ms and more


def _row(name: str, draw: Draw) -> Row:
    few = FEW // 5 if any(word in name for word in SLOW) else FEW
    return Row(
        section="Intervals of 95 %",
        name=name,
        claim="each bound wrong in at most 2.5 %",
        measure=Coverage(draw),
        full=SIMULATIONS,
        short=few,
        about=("src/goalkeeper/stats", "src/goalkeeper/games/tallies.py"),
    )


ROWS = (
    *(_row(name, draw) for name, draw in DRAWS.items()),
    *(
        Row(
            section="Lower bounds of 95 %",
            name=f"empirical epsilon, randomised response of epsilon {truth:g}, {n} of each",
            claim="wrong in at most 5 %",
            measure=Coverage(epsilon(truth, n), alpha=0.05),
            full=SIMULATIONS,
            short=FEW,
            about=("src/goalkeeper/stats",),
        )
        for truth, n in ((0.5, 1000), (2.0, 300))
    ),
)
