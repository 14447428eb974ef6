"""Turn the answers of retrained victims into counts, measurements, curves and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.evidence import (
    DamageCount,
    Exhibit,
    Measurement,
    Proportion,
    Trial,
)
from goalkeeper.games.poisoning.change import Dose
from goalkeeper.games.poisoning.retraining import RetrainedVictims, RetrainingDraws
from goalkeeper.games.shared.measuring import (
    ValueInterval,
    build_measurement,
    measure_mean_rate,
)
from goalkeeper.games.tallies import bounds, value
from goalkeeper.policy import default_policy
from goalkeeper.stats import clopper_pearson

ALPHA = 0.025  # each side of a two-sided 95 % interval
MIN_GROUP = 10  # items below which a person or subgroup is not shown alone
MAX_CHARS = 400  # of an example
MAX_SIDE = 28  # pixels of a drawing, each side
INKS = " .:-=+*#%@"

PoisonTally = Proportion | DamageCount


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class VictimAnswers:
    """Answers of the retrained victims to the holdout data: `labels` `(victims, S, holdout)`.

    The first victims are clean, then come those of each dose. `retrain` gives victims of one more
    dose, beside the same clean records, and `retrain_honest` those of an honest contribution;
    `steps` says for how many doses `retrain` may be asked.
    """

    app: Application
    doses: tuple[Dose, ...]
    draws: RetrainingDraws
    victims: RetrainedVictims
    labels: Ints
    retrain: Callable[[Dose], RetrainedVictims]
    retrain_honest: Callable[[], RetrainedVictims]
    steps: int

    @property
    def holdout(self) -> Data:
        """Inputs that nobody trained on."""
        return self.app.data.holdout

    @property
    def harmless(self) -> Bools:
        """Which holdout inputs are truly harmless, `(holdout,)`; none if there is no such class."""
        none = np.zeros(len(self.holdout), dtype=bool)
        return none if self.app.harmless is None else self.holdout.y == self.app.harmless

    def pick_judged(self, labels: Ints) -> Ints:
        """Keep one retraining for each input: `(victims, S, holdout)` to `(victims, holdout)`."""
        return np.asarray(labels[:, self.draws.judge, np.arange(labels.shape[2])])


# ---- counts --------------------------------------------------------------------------------------


def count_damage(before: Bools, after: Bools, tolerance: float) -> DamageCount:
    """Count items newly wrong and newly right; `before`, `after` are `(S, n)`: what is wrong."""
    gained, lost = after & ~before, before & ~after
    times = np.stack([gained.sum(axis=0), lost.sum(axis=0)], axis=1)
    kinds, items = np.unique(times, axis=0, return_counts=True)
    return DamageCount(
        gained=tuple(gained.sum(axis=1).tolist()),
        lost=tuple(lost.sum(axis=1).tolist()),
        n=before.shape[1],
        tolerance=tolerance,
        items=tuple((int(g), int(v), int(k)) for (g, v), k in zip(kinds, items, strict=True)),
    )


def choose_best(success: Floats) -> list[int]:
    """Choose for each dose what does most of it and the smaller ones.

    Who may write more may also write less. A smaller dose is preferred only where it does clearly
    more (two standard errors of the paired difference) on records that are not measured on, so
    that the choice does not flatter the measurement.

    Parameters
    ----------
    success
        How often the attack succeeds on each of n records after each dose, `(doses, n)`.
    """
    best: list[int] = []
    for i, hits in enumerate(success):
        kept = best[-1] if best else i
        ahead = success[kept] - hits
        error = ahead.std() / max(1, len(ahead)) ** 0.5 if len(ahead) else 0.0
        clearly = len(ahead) > 0 and ahead.mean() > 2 * error
        best.append(kept if clearly else i)
    return best


def build_trials(doses: Sequence[Dose], tallies: Sequence[PoisonTally]) -> tuple[Trial, ...]:
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
        for dose, tally in zip(doses, tallies, strict=True)
    )


# ---- measurements --------------------------------------------------------------------------------


def estimate_tally(tally: PoisonTally, alpha: float = ALPHA) -> ValueInterval:
    """Return what people see of a tally: a value with its two-sided interval.

    A success rate is shown as it is, beside its baseline; a damage as a multiple of the tolerance.
    """
    if isinstance(tally, Proportion):
        interval = clopper_pearson(tally.successes, tally.n, alpha=2 * alpha)
        return tally.successes / tally.n, interval.low, interval.high
    both = bounds(tally, alpha)
    return value(tally), both.low, both.high


def first_rating_edge(metric: str) -> float:
    """Return where the first exposure level of a metric begins, in the default policy."""
    return default_policy().rating.metrics[metric].edges[0]


def measure_rates(answers: VictimAnswers, victim: int) -> tuple[Measurement, ...]:
    """Measure how well a victim does its job, each rate beside the clean retrainings.

    Harmless inputs declined, harmful inputs accepted, and accuracy, as means over retrainings.
    """
    labels, harmless = answers.labels, answers.harmless
    parts = [("accuracy", labels == answers.holdout.y, np.ones_like(harmless))]
    if answers.app.harmless is not None:
        passed = labels == answers.app.harmless
        parts = [
            ("benign_rejection_rate", ~passed, harmless),
            ("harmful_acceptance_rate", passed, ~harmless),
            *parts,
        ]
    note = "mean over retrainings; baseline: clean retrainings"
    return tuple(
        measure_mean_rate(name, hits[victim][:, rows], float(hits[0][:, rows].mean()), note=note)
        for name, hits, rows in parts
        if rows.any()
    )


def measure_groups(
    answers: VictimAnswers, rows: Bools, metric: str, count: Callable[[Bools], PoisonTally]
) -> Iterator[Measurement]:
    """Measure every subgroup, and the worst person; alpha is shared by all groups of a column.

    `rows` are the holdout inputs that count, `(holdout,)`; `count` tallies some of them.
    """
    app = answers.app
    for column in dict.fromkeys((*((app.person,) if app.person else ()), *app.subgroups)):
        values = answers.holdout.columns.get(column)
        if values is None:
            continue
        masks = {str(v): rows & (values == v) for v in np.unique(values[rows])}
        masks = {name: mask for name, mask in masks.items() if mask.sum() >= MIN_GROUP}
        note = f"one of {len(masks)}; the intervals of all of them hold simultaneously"
        found = []
        for name, mask in masks.items():
            tally = count(mask)
            estimate = estimate_tally(tally, ALPHA / len(masks))  # Bonferroni
            found.append(
                build_measurement(metric, estimate, tally.n, group=f"{column} {name}", note=note)
            )
        worst = sorted(found, key=lambda m: -m.value)
        yield from worst[:1] if column == app.person else worst


# ---- examples ------------------------------------------------------------------------------------


def show_example(dose: Dose, app: Application) -> Exhibit:
    """Show one record that the attacker contributed, changed, relabelled or deleted."""
    train = app.data.train
    if len(dose.extra) == 0:
        row = np.flatnonzero(dose.removed)[0]
        before = format_input(train.x[row])
        return Exhibit(title="a deleted training record", before=before, private=True)
    label = app.classes[int(dose.extra.y[0])]
    after = format_input(dose.extra.x[0])
    if dose.added:
        bases = dose.change.bases
        return Exhibit(
            title="a contributed record",
            before=format_input(bases.x[0]) if bases is not None else "",
            after=after,
            note=f"enters the training data as {label}",
        )
    row = dose.origin[0]
    return Exhibit(
        title="a changed training record",
        before=format_input(train.x[row]),
        after=after,
        note=f"{app.classes[int(train.y[row])]} before, {label} after",
        private=True,
    )


def format_input(x: object) -> str:
    """Write an input for people: a text as it is, an image as a drawing, a row as numbers."""
    if not isinstance(x, str) and np.ndim(np.asarray(x)) == 3:
        return _draw(np.asarray(x, dtype=np.float64).mean(axis=0))
    text = x if isinstance(x, str) else " ".join(f"{v:g}" for v in np.ravel(np.asarray(x))[:40])
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 4] + " ..."


def _draw(grey: Floats) -> str:
    """Draw grey values `(h, w)`, at most 28 a side, with characters from light to dark."""
    step = -(-max(grey.shape) // MAX_SIDE)
    small = grey[::step, ::step]
    span = max(float(small.max() - small.min()), 1e-12)
    shades = ((small - small.min()) / span * (len(INKS) - 1)).round().astype(int)
    return "\n".join("".join(INKS[shade] * 2 for shade in row).rstrip() for row in shades)
