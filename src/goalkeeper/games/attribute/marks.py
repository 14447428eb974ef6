"""Mark attribute inference: gains on training records and on others, and their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import (
    AttackResult,
    Control,
    Curve,
    Exhibit,
    Gain,
    Measurement,
    Status,
    Trial,
)
from goalkeeper.games.attribute.columns import Attribute
from goalkeeper.games.base import Marking
from goalkeeper.games.tallies import bounds, shown, value
from goalkeeper.stats import clopper_pearson, excess
from goalkeeper.stats.paired import paired_difference

SMALLEST = 20  # training records of a group whose gain is shown
SUREST = 0.1  # share of the training records that the attack may pick by itself


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """The hidden values `(n,)`, who is a training record `(n,)`, and the groups, each `(n,)`."""

    values: Ints
    member: Bools
    groups: Mapping[str, Bools]


@dataclass(frozen=True, eq=False, slots=True)
class Hits:
    """Right guesses of the attack and of imputation `(n,)`, with who is a training record."""

    attack: Bools
    imputed: Bools
    member: Bools

    def tally(self, group: Bools | None = None) -> Gain:
        """Count training records, against the better of the two without a model of theirs."""
        inside = self.member if group is None else self.member & group
        outside = ~self.member if group is None else ~self.member & group
        counts = int(self.imputed[inside].sum()), int(inside.sum())
        others = int(self.attack[outside].sum()), int(outside.sum())
        if others[1] and others[0] * counts[1] > counts[0] * others[1]:
            counts = others
        return Gain(
            successes=int(self.attack[inside].sum()),
            n=int(inside.sum()),
            baseline_successes=counts[0],
            baseline_n=counts[1],
        )

    def over_imputation(self, side: Bools) -> Gain:
        """Count the records of one side against imputation of the same records."""
        return Gain(
            successes=int(self.attack[side].sum()),
            n=int(side.sum()),
            baseline_successes=int(self.imputed[side].sum()),
            baseline_n=int(side.sum()),
        )

    def difference(self, side: Bools, alpha: float) -> tuple[float, float, float]:
        """Bound the attack's hit rate minus that of imputation on the records of one side."""
        gained = int((self.attack & ~self.imputed & side).sum())
        lost = int((~self.attack & self.imputed & side).sum())
        n = int(side.sum())
        span = paired_difference(gained, lost, n, alpha=alpha)
        return (gained - lost) / n, span.low, span.high


def result_of(
    marking: Marking[Any, Truth, Floats], attribute: Attribute, imputed: Floats, how: str
) -> AttackResult:
    """Mark the answers, given the log chances `(n, values)` of the imputer."""
    truth = marking.dealt.secret
    guess = imputed.argmax(axis=1) == truth.values
    points = list({int(p.queries.max()): p for p in marking.answers}.values())
    scores = [_scores(p, imputed.shape) for p in points]
    hits = [Hits(s.argmax(axis=1) == truth.values, guess, truth.member) for s in scores]
    trials = tuple(_trial(p, h) for p, h in zip(points, hits, strict=True))
    groups = _groups(hits[-1], truth)
    measured = (
        *_measurements(hits[-1], how),
        _surest(scores[-1], hits[-1], imputed),
        *groups,
    )
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(hits[-1], attribute, groups),
        measurements=measured,
        trials=trials,
        curve=_curve(trials),
        controls=(_control(hits[-1]),),
        caveats=_caveats(marking, attribute),
        exhibits=(_exhibit(marking, attribute, scores[-1], truth),),
    )


def _scores(point: Checkpoint, shape: tuple[int, ...]) -> Floats:
    scores = np.asarray(point.answer, dtype=np.float64)
    if scores.shape != shape or np.isnan(scores).any():
        raise DataError(
            f"an answer is one score for every record and value: expected shape {shape}, got "
            f"{scores.shape} with {int(np.isnan(scores).sum())} NaN"
        )
    return scores


def _trial(point: Checkpoint, hits: Hits) -> Trial:
    spent = float(point.queries.max())
    return Trial(
        budget=spent, queries=spent, compute_h=point.cost.seconds / 3600, tally=hits.tally()
    )


# ---- what is shown -------------------------------------------------------------------------------


def _measurements(hits: Hits, how: str) -> tuple[Measurement, ...]:
    """Show the rated gain, its parts, and the difference of differences."""
    member, other = hits.member, ~hits.member
    n = int(member.sum())
    tally = hits.tally()
    seen = shown(tally)
    base = tally.baseline_successes / tally.baseline_n
    inside, outside = hits.difference(member, 0.0125), hits.difference(other, 0.0125)
    rates = [
        _rate(f"hit rate on {name}", hits.attack[side], float(hits.imputed[side].mean()))
        for name, side in (("training records", member), ("other records", other))
    ]
    gains = [
        _gain(f"gain over imputation on {name}", hits.over_imputation(side))
        for name, side in (("training records", member), ("other records", other))
    ]
    return (
        Measurement(
            metric="normalised_gain",
            value=seen.value,
            low=seen.low,
            high=seen.high,
            baseline=0.0,
            n=n,
            note=f"on training records, over {base:.1%}: the better of imputation ({how}) and "
            "this attack on records that the model was not trained on",
        ),
        Measurement(
            metric="difference of differences",
            value=inside[0] - outside[0],
            low=inside[1] - outside[2],
            high=inside[2] - outside[1],
            baseline=0.0,
            n=2 * n,
            note="hit rate over imputation on training records, minus the same on others: what "
            "is told of the records and not of people in general",
        ),
        *gains,
        *rates,
    )


def _gain(metric: str, tally: Gain, alpha: float = 0.025, **more: str) -> Measurement:
    low, high = bounds(tally, alpha)
    best = min(max(value(tally), low), high)
    return Measurement(
        metric=metric, value=best, low=low, high=high, baseline=0.0, n=tally.n, **more
    )


def _rate(metric: str, hits: Bools, baseline: float, note: str = "") -> Measurement:
    low, high = clopper_pearson(int(hits.sum()), len(hits))
    return Measurement(
        metric=metric,
        value=float(hits.mean()),
        low=low,
        high=high,
        baseline=baseline,
        n=len(hits),
        note=note or "the baseline is imputation without the model",
    )


def _surest(scores: Floats, hits: Hits, imputed: Floats) -> Measurement:
    """Measure the hit rate where the attack, and imputation, is surest of itself."""
    member = np.flatnonzero(hits.member)
    k = max(1, round(SUREST * len(member)))
    mine, theirs = (
        member[np.argsort(-_lead(s[member]), kind="stable")[:k]] for s in (scores, imputed)
    )
    return _rate(
        f"hit rate on the surest {SUREST:.0%}",
        hits.attack[mine],
        float(hits.imputed[theirs].mean()),
        "of the training records, picked by the attack itself; the baseline is imputation on its "
        "own surest records",
    )


def _lead(scores: Floats) -> Floats:
    """Distance of the best score from the second, `(n,)`."""
    two = np.partition(scores, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def _groups(hits: Hits, truth: Truth) -> tuple[Measurement, ...]:
    """Measure the rated gain of every group, the hardest hit first."""
    large = {
        name: mask
        for name, mask in truth.groups.items()
        if min(int((mask & truth.member).sum()), int((mask & ~truth.member).sum())) >= SMALLEST
    }
    tallies = {name: hits.tally(mask) for name, mask in large.items()}
    found = [
        _gain(
            "normalised_gain",
            tally,
            0.025 / len(large),
            group=name,
            note="all intervals of groups hold together",
        )
        for name, tally in tallies.items()
        if tally.baseline_successes < tally.baseline_n  # else nothing is left to gain
    ]
    return tuple(sorted(found, key=lambda m: (-m.low, -m.value)))


def _summary(hits: Hits, attribute: Attribute, groups: Sequence[Measurement]) -> str:
    member, other = hits.member, ~hits.member
    inside, outside = hits.difference(member, 0.0125), hits.difference(other, 0.0125)
    said = (
        f"{attribute.name} of {hits.attack[member].mean():.1%} of the training records is guessed, "
        f"{hits.imputed[member].mean():.1%} without the model; of other records "
        f"{hits.attack[other].mean():.1%} against {hits.imputed[other].mean():.1%}. The "
        f"difference of differences is {100 * (inside[0] - outside[0]):+.1f} points "
        f"({100 * (inside[1] - outside[2]):+.1f} to {100 * (inside[2] - outside[1]):+.1f})"
    )
    if not groups:
        return said
    worst = groups[0]
    return f"{said}; hardest hit is {worst.group} with a gain of {worst.value:.0%}"


def _curve(trials: Sequence[Trial]) -> Curve:
    seen = [shown(t.tally) for t in trials]
    return Curve(
        budget="queries per record",
        unit="queries",
        x=tuple(t.budget for t in trials),
        value=tuple(s.value for s in seen),
        low=tuple(s.low for s in seen),
        high=tuple(s.high for s in seen),
    )


def _control(hits: Hits) -> Control:
    """Check that training and other records are equally hard to guess without the model."""
    inside, outside = hits.imputed[hits.member], hits.imputed[~hits.member]
    span = excess(int(inside.sum()), len(inside), int(outside.sum()), len(outside), alpha=0.005)
    return Control(
        name="without the model, training records are as hard to guess as others",
        passed=span.low <= 0 <= span.high,
        detail=f"imputation is right on {inside.mean():.1%} of the training records and on "
        f"{outside.mean():.1%} of the others (99 % interval of the difference {span.low:+.3f} to "
        f"{span.high:+.3f}, should hold 0)",
    )


def _caveats(marking: Marking[Any, Truth, Floats], attribute: Attribute) -> tuple[str, ...]:
    said = []
    if attribute.edges is not None:
        said.append(
            f"{attribute.name} is a number: right is the right one of {len(attribute.values)} "
            "ranges"
        )
    asked = int(marking.final.queries.max())
    if asked < len(attribute.fills):
        said.append(
            f"only the {asked} likeliest of {len(attribute.fills)} candidate values were asked "
            "about, for want of queries"
        )
    return tuple(said)


def _exhibit(
    marking: Marking[Any, Truth, Floats], attribute: Attribute, scores: Floats, truth: Truth
) -> Exhibit:
    """Show the training record that the attack is surest of."""
    best = int(np.argmax(np.where(truth.member, _lead(scores), -np.inf)))
    record = marking.dealt.question.records
    shown_row = ", ".join("?" if np.isnan(v) else f"{v:g}" for v in record.x[best])
    guess, true = attribute.values[int(scores[best].argmax())], attribute.values[truth.values[best]]
    return Exhibit(
        title="the training record whose value the attack is surest of",
        before=shown_row,
        after=f"{attribute.name}: {guess}",
        note=f"true value {true}; class {marking.app.classes[record.y[best]]}",
        private=True,
    )
