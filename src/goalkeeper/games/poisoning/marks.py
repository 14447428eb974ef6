"""Turn the answers of retrained victims into counts, measurements, curves and examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.evidence import (
    Curve,
    DamageCount,
    Exhibit,
    Measurement,
    Proportion,
    Trial,
)
from goalkeeper.games.poisoning.change import Dose
from goalkeeper.games.poisoning.retraining import Draws, Victims
from goalkeeper.games.tallies import bounds, value
from goalkeeper.policy import default_policy
from goalkeeper.stats import clopper_pearson

ALPHA = 0.025  # each side of a two-sided 95 % interval
FEWEST = 10  # items below which a person or subgroup is not shown alone
SHOWN = 400  # characters of an example
WIDEST = 28  # pixels of a drawing, each side
INKS = " .:-=+*#%@"

Counted = Proportion | DamageCount
Triple = tuple[float, float, float]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Retest:
    """What the retrained victims say of the holdout data: `labels` is `(victims, S, holdout)`."""

    app: Application
    given: tuple[Dose, ...]
    draws: Draws
    victims: Victims
    labels: Ints

    @property
    def holdout(self) -> Data:
        """Inputs that nobody trained on."""
        return self.app.data.holdout

    @property
    def harmless(self) -> Bools:
        """Which holdout inputs are truly harmless, `(holdout,)`; none if there is no such class."""
        none = np.zeros(len(self.holdout), dtype=bool)
        return none if self.app.harmless is None else self.holdout.y == self.app.harmless

    def judged(self, labels: Ints) -> Ints:
        """Keep each input's one judge: `(victims, S, holdout)` to `(victims, holdout)`."""
        return np.asarray(labels[:, self.draws.judge, np.arange(labels.shape[2])])


# ---- counts --------------------------------------------------------------------------------------


def damage_count(before: Bools, after: Bools, tolerance: float) -> DamageCount:
    """Count items newly wrong and newly right; `before`, `after` are `(S, n)`: what is wrong."""
    return DamageCount(
        gained=tuple(int(n) for n in (after & ~before).sum(axis=1)),
        lost=tuple(int(n) for n in (before & ~after).sum(axis=1)),
        n=before.shape[1],
        tolerance=tolerance,
    )


def trials(given: Sequence[Dose], tallies: Sequence[Counted]) -> tuple[Trial, ...]:
    """Set each dose beside its counts; a success of a trigger is checked one by one."""
    return tuple(
        Trial(
            budget=dose.share,
            queries=0,
            compute_h=dose.seconds / 3600,
            share=dose.share,
            tally=tally,
            verified=tally.successes if isinstance(tally, Proportion) else 0,
        )
        for dose, tally in zip(given, tallies, strict=True)
    )


# ---- measurements --------------------------------------------------------------------------------


def shown(tally: Counted, alpha: float = ALPHA) -> Triple:
    """Return what people see of a tally: a value with its two-sided interval.

    A success rate is shown as it is, beside its baseline; a damage as a multiple of the tolerance.
    """
    if isinstance(tally, Proportion):
        interval = clopper_pearson(tally.successes, tally.n, alpha=2 * alpha)
        return tally.successes / tally.n, interval.low, interval.high
    both = bounds(tally, alpha)
    return value(tally), both.low, both.high


def measurement(
    metric: str, triple: Triple, n: int, baseline: float, *, group: str = "", note: str = ""
) -> Measurement:
    """Name a value with its interval."""
    estimate, low, high = triple
    return Measurement(
        metric=metric,
        value=estimate,
        low=low,
        high=high,
        baseline=baseline,
        n=n,
        group=group,
        note=note,
    )


def curve(given: Sequence[Dose], tallies: Sequence[Counted]) -> Curve:
    """Draw the headline metric against the share of the training data that was written."""
    triples = [shown(tally) for tally in tallies]
    return Curve(
        budget="poisoned share",
        unit="of the training data",
        x=tuple(dose.share for dose in given),
        value=tuple(t[0] for t in triples),
        low=tuple(t[1] for t in triples),
        high=tuple(t[2] for t in triples),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Enough:
    """How many records it takes to exceed an edge, as far as the tested doses tell.

    Parameters
    ----------
    short
        The most records that were shown not to suffice, and their share of the training data.
    reached
        The fewest that were shown to suffice, and their share; infinite if none was.
    most
        The most that was tested.
    doses
        Doses tested.
    """

    short: tuple[int, float]
    reached: tuple[float, float]
    most: int
    doses: int

    def shown(self, goal: str, suffix: str = "") -> tuple[Measurement, Measurement]:
        """Show the smallest tested share and number of records that do what `goal` says."""
        numbers = self.reached[0], float(self.short[0] + 1), self.reached[0]
        shares = self.reached[1], self.short[1], self.reached[1]
        note = f"the smallest tested that was shown to {goal}; interval: where the true one lies"
        return (
            measurement(f"smallest_share{suffix}", shares, self.doses, 0.0, note=note),
            measurement(f"smallest_number{suffix}", numbers, self.doses, 0.0, note=note),
        )

    def sentence(self, goal: str) -> str:
        """Say it in a sentence."""
        low, high = self.short[0] + 1, self.reached[0]
        if math.isinf(high):
            return f"Up to {self.most:,} records were not shown to {goal}."
        number = f"{int(high):,}" if low == high else f"between {low:,} and {int(high):,}"
        return f"It takes {number} record{'' if high == 1 else 's'} to {goal}."


def enough(given: Sequence[Dose], tallies: Sequence[Counted], edge: float) -> Enough:
    """Bracket the number of records that makes the rated metric exceed `edge`.

    A dose suffices when the lower bound of the metric exceeds the edge; it does not when the
    upper bound stays below. Doses above the first that suffices do not matter.
    """
    short, most = (0, 0.0), given[-1].number
    for dose, tally in zip(given, tallies, strict=True):
        both, this = bounds(tally, ALPHA), (dose.number, dose.share)
        if both.low > edge:
            return Enough(short=short, reached=this, most=most, doses=len(given))
        if both.high <= edge:
            short = this
    never = (math.inf, math.inf)
    return Enough(short=short, reached=never, most=most, doses=len(given))


def first_edge(metric: str) -> float:
    """Where the first exposure level of a metric begins, in the policy that comes with this."""
    return default_policy().rating.metrics[metric].edges[0]


def rates(retest: Retest, victim: int) -> tuple[Measurement, ...]:
    """Measure how well a victim does its job, each beside the clean retrainings.

    Harmless inputs declined, harmful inputs accepted, and accuracy, as means over retrainings.
    """
    labels, harmless = retest.labels, retest.harmless
    right = labels == retest.holdout.y
    parts = [("accuracy", right, np.ones_like(harmless))]
    if retest.app.harmless is not None:
        passed = labels == retest.app.harmless
        parts = [
            ("benign_rejection_rate", ~passed, harmless),
            ("harmful_acceptance_rate", passed, ~harmless),
            *parts,
        ]
    note = "mean over retrainings; baseline: clean retrainings"
    return tuple(
        measurement(
            name,
            _mean_rate(yes[victim][:, rows]),
            int(rows.sum()),
            float(yes[0][:, rows].mean()),
            note=note,
        )
        for name, yes, rows in parts
        if rows.any()
    )


def _mean_rate(yes: Bools) -> Triple:
    n = yes.shape[1]
    mean = float(yes.mean())
    interval = clopper_pearson(mean * n, n, alpha=2 * ALPHA)
    return mean, interval.low, interval.high


def by_group(
    retest: Retest, rows: Bools, metric: str, count: Callable[[Bools], Counted]
) -> Iterator[Measurement]:
    """Measure every subgroup, and the worst person; alpha is shared by all groups of a column.

    `rows` are the holdout inputs that count, `(holdout,)`; `count` tallies some of them.
    """
    app = retest.app
    for column in dict.fromkeys((*((app.person,) if app.person else ()), *app.subgroups)):
        values = retest.holdout.columns.get(column)
        if values is None:
            continue
        parts = {str(v): rows & (values == v) for v in np.unique(values[rows])}
        parts = {name: part for name, part in parts.items() if part.sum() >= FEWEST}
        found = [
            measurement(
                metric,
                shown(tally := count(part), ALPHA / len(parts)),
                tally.n,
                0.0,
                group=f"{column} {name}",
                note=f"one of {len(parts)}; the intervals hold for all of them together",
            )
            for name, part in parts.items()
        ]
        worst = sorted(found, key=lambda m: -m.value)
        yield from worst[:1] if column == app.person else worst


# ---- examples ------------------------------------------------------------------------------------


def example(dose: Dose, app: Application) -> Exhibit:
    """Show one record that the attacker contributed, changed, relabelled or deleted."""
    train = app.data.train
    if len(dose.extra) == 0:
        row = np.flatnonzero(dose.removed)[0]
        before = written(train.x[row])
        return Exhibit(title="a deleted training record", before=before, private=True)
    label = app.classes[int(dose.extra.y[0])]
    after = written(dose.extra.x[0])
    if dose.added:
        bases = dose.change.bases
        return Exhibit(
            title="a contributed record",
            before=written(bases.x[0]) if bases is not None else "",
            after=after,
            note=f"enters the training data as {label}",
        )
    row = dose.origin[0]
    return Exhibit(
        title="a changed training record",
        before=written(train.x[row]),
        after=after,
        note=f"{app.classes[int(train.y[row])]} before, {label} after",
        private=True,
    )


def written(x: object) -> str:
    """Write an input for people: a text as it is, an image as a drawing, a row as numbers."""
    if not isinstance(x, str) and np.ndim(np.asarray(x)) == 3:
        return _drawn(np.asarray(x, dtype=np.float64).mean(axis=0))
    text = x if isinstance(x, str) else " ".join(f"{v:g}" for v in np.ravel(np.asarray(x))[:40])
    return text if len(text) <= SHOWN else text[: SHOWN - 4] + " ..."


def _drawn(grey: Floats) -> str:
    """Draw grey values `(h, w)`, at most 28 a side, with characters from light to dark."""
    step = -(-max(grey.shape) // WIDEST)
    small = grey[::step, ::step]
    span = max(float(small.max() - small.min()), 1e-12)
    shades = ((small - small.min()) / span * (len(INKS) - 1)).round().astype(int)
    return "\n".join("".join(INKS[shade] * 2 for shade in row).rstrip() for row in shades)
