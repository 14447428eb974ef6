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
    Exhibit,
    Gain,
    Measurement,
    Outcomes,
    Status,
)
from goalkeeper.games.attribute.columns import Attribute
from goalkeeper.games.base import Marking
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.measuring import (
    build_measurement,
    build_query_trial,
    draw_curve,
    last_checkpoints,
    measure_rate,
)
from goalkeeper.games.shared.wording import percent, rate
from goalkeeper.games.tallies import bounds, estimate_tally, paired_gain, value
from goalkeeper.stats import IntervalEstimate, excess, paired_difference, subtract

MIN_GROUP = 20  # training records, and others, of a group whose gain is shown
TOP_SHARE = 0.1  # share of the training records that the attack may pick by itself
SIDE_ALPHA = 0.025  # error of one side of an interval of 95 %


@dataclass(frozen=True, eq=False, slots=True)
class HiddenValues:
    """The hidden values `(n,)`, who is a training record `(n,)`, and the groups, each `(n,)`."""

    values: Ints
    member: Bools
    groups: Mapping[str, Bools]


@dataclass(frozen=True, eq=False, slots=True)
class GuessHits:
    """Correct guesses of the attack and of imputation `(n,)`; `member` marks training records."""

    attack: Bools
    imputed: Bools
    member: Bools

    def tally(self, group: Bools | None = None) -> Gain:
        """Count training records against the better of two attackers without this model."""
        inside = self.member if group is None else self.member & group
        outside = ~self.member if group is None else ~self.member & group
        imputation = self.tally_over_imputation(inside)
        others = int(self.attack[outside].sum()), int(outside.sum())
        base = imputation.baseline_successes
        if not others[1] or others[0] * imputation.n <= base * others[1]:
            return imputation
        return Gain(
            successes=imputation.successes,
            n=imputation.n,
            baseline_successes=others[0],
            baseline_n=others[1],
        )

    def tally_over_imputation(self, side: Bools) -> Gain:
        """Count the records of one side against imputation of the same records."""
        return paired_gain(self.attack[side], self.imputed[side])

    def measure_difference(self, side: Bools, alpha: float) -> IntervalEstimate:
        """Bound the attack's hit rate minus that of imputation on the records of one side."""
        gained = int((self.attack & ~self.imputed & side).sum())
        lost = int((~self.attack & self.imputed & side).sum())
        n = int(side.sum())
        span = paired_difference(gained, lost, n, alpha=alpha)
        return IntervalEstimate((gained - lost) / n, span.low, span.high)

    def measure_leak(self) -> IntervalEstimate:
        """Bound that difference on training records, less the same on others."""
        inside, outside = (
            self.measure_difference(side, SIDE_ALPHA) for side in (self.member, ~self.member)
        )
        return subtract(inside, outside)


def mark_guesses(
    marking: Marking[Any, HiddenValues, Floats], attribute: Attribute, imputed: Floats, imputer: str
) -> AttackResult:
    """Mark the answers, given the log chances `(n, values)` of the imputer."""
    truth = marking.deal.secret
    guess = imputed.argmax(axis=1) == truth.values
    points = last_checkpoints(marking.answers)
    scores = [_check_scores(p, imputed.shape) for p in points]
    hits = [GuessHits(s.argmax(axis=1) == truth.values, guess, truth.member) for s in scores]
    trials = tuple(build_query_trial(p, h.tally()) for p, h in zip(points, hits, strict=True))
    groups = _measure_groups(hits[-1], truth)
    measured = (
        *_measure(hits[-1], imputer),
        _measure_top(scores[-1], hits[-1], imputed),
        *groups,
    )
    return AttackResult(
        status=Status.TESTED,
        summary=_summarise(hits[-1], attribute, groups),
        measurements=measured,
        trials=trials,
        outcomes=_keep(marking, hits[-1]),
        curve=draw_curve(trials, "queries per record", "queries"),
        controls=(_check_alike(hits[-1]),),
        caveats=_list_caveats(marking, attribute),
        exhibits=(_show_example(marking, attribute, scores[-1], truth),),
    )


def _check_scores(point: Checkpoint, shape: tuple[int, ...]) -> Floats:
    scores = np.asarray(point.answer, dtype=np.float64)
    if scores.shape != shape or np.isnan(scores).any():
        raise DataError(
            f"an answer is one score for every record and value: expected shape {shape}, got "
            f"{scores.shape} with {int(np.isnan(scores).sum())} NaN"
        )
    return scores


def _keep(marking: Marking[Any, HiddenValues, Floats], hits: GuessHits) -> Outcomes | None:
    """Keep what became of training records, where imputation of the same ones is the baseline."""
    if hits.tally().both is None:
        return None
    records = marking.deal.question.records.x
    return keep_outcomes(marking.app, records, hits.attack, hits.imputed, hits.member)


# ---- what is shown -------------------------------------------------------------------------------


def _measure(hits: GuessHits, imputer: str) -> tuple[Measurement, ...]:
    """Show the rated gain, its parts, and the difference of differences."""
    member, other = hits.member, ~hits.member
    n = int(member.sum())
    tally = hits.tally()
    base = tally.baseline_successes / tally.baseline_n
    sides = (("training records", member), ("other records", other))
    gains = [
        _measure_gain(f"gain over imputation on {name}", hits.tally_over_imputation(side))
        for name, side in sides
    ]
    rates = [
        measure_rate(
            f"hit rate on {name}",
            hits.attack[side],
            float(hits.imputed[side].mean()),
            note="baseline: imputation without the model",
        )
        for name, side in sides
    ]
    return (
        build_measurement(
            "normalised_gain",
            estimate_tally(tally),
            n,
            note=f"on training records, over {base:.1%}: the better of imputation ({imputer}) and "
            "this attack on records that the model was not trained on",
        ),
        build_measurement(
            "difference of differences",
            hits.measure_leak(),
            2 * n,
            note="hit rate minus that of imputation on training records, less the same on others: "
            "what leaks about the records, beyond what holds for people in general",
        ),
        *gains,
        *rates,
    )


def _measure_gain(
    metric: str, tally: Gain, alpha: float = 0.025, *, group: str = "", note: str = ""
) -> Measurement:
    low, high = bounds(tally, alpha)
    estimate = min(max(value(tally), low), high), low, high
    return build_measurement(metric, estimate, tally.n, group=group, note=note)


def _measure_top(scores: Floats, hits: GuessHits, imputed: Floats) -> Measurement:
    """Measure the hit rate where the attack, and imputation, is most certain."""
    member = np.flatnonzero(hits.member)
    k = max(1, round(TOP_SHARE * len(member)))
    top_of_attack, top_of_imputation = (
        member[np.argsort(-_lead(s[member]), kind="stable")[:k]] for s in (scores, imputed)
    )
    return measure_rate(
        f"hit rate on the most certain {TOP_SHARE:.0%}",
        hits.attack[top_of_attack],
        float(hits.imputed[top_of_imputation].mean()),
        note="of the training records, picked by the attack itself; baseline: imputation on the "
        "records it is most certain of",
    )


def _lead(scores: Floats) -> Floats:
    """Distance of the best score from the second, `(n,)`."""
    two = np.partition(scores, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def _measure_groups(hits: GuessHits, truth: HiddenValues) -> tuple[Measurement, ...]:
    """Measure the rated gain of every group, the hardest hit first."""
    large = {
        name: mask
        for name, mask in truth.groups.items()
        if min(int((mask & truth.member).sum()), int((mask & ~truth.member).sum())) >= MIN_GROUP
    }
    tallies = {name: hits.tally(mask) for name, mask in large.items()}
    found = [
        _measure_gain(
            "normalised_gain",
            tally,
            0.025 / len(large),
            group=name,
            note="the intervals of all groups hold simultaneously",
        )
        for name, tally in tallies.items()
        if tally.baseline_successes < tally.baseline_n  # else nothing is left to gain
    ]
    return tuple(sorted(found, key=lambda m: (-m.low, -m.value)))


def _summarise(hits: GuessHits, attribute: Attribute, groups: Sequence[Measurement]) -> str:
    member, other = hits.member, ~hits.member
    leak = hits.measure_leak()
    sentence = (
        f"The attack guesses {attribute.name} correctly for "
        f"{percent(float(hits.attack[member].mean()))} of the training records (without the "
        f"model: {percent(float(hits.imputed[member].mean()))}) and for "
        f"{percent(float(hits.attack[other].mean()))} of other records (without the model: "
        f"{percent(float(hits.imputed[other].mean()))}). The difference of differences is "
        f"{100 * leak.value:+.1f} points ({100 * leak.low:+.1f} to {100 * leak.high:+.1f})"
    )
    if not groups:
        return f"{sentence}."
    worst = groups[0]
    gain = rate(worst.value, worst.low, worst.high)
    return f"{sentence}; most exposed is {worst.group} with a gain of {gain}."


def _check_alike(hits: GuessHits) -> Control:
    """Check that training and other records are equally hard to guess without the model."""
    inside, outside = hits.imputed[hits.member], hits.imputed[~hits.member]
    span = excess(int(inside.sum()), len(inside), int(outside.sum()), len(outside), alpha=0.005)
    return Control(
        name="without the model, training records are as hard to guess as others",
        passed=span.low <= 0 <= span.high,
        detail=f"imputation is correct on {inside.mean():.1%} of the training records and on "
        f"{outside.mean():.1%} of the others (99 % interval of the difference {span.low:+.3f} to "
        f"{span.high:+.3f}, which should contain 0)",
    )


def _list_caveats(
    marking: Marking[Any, HiddenValues, Floats], attribute: Attribute
) -> tuple[str, ...]:
    caveats = []
    if attribute.edges is not None:
        caveats.append(
            f"{attribute.name} is a number: a guess is correct when it names the right one of "
            f"{len(attribute.values)} ranges"
        )
    asked = int(marking.final.queries.max())
    if asked < len(attribute.fills):
        caveats.append(
            f"the query budget covered only the {asked} likeliest of {len(attribute.fills)} "
            "candidate values"
        )
    return tuple(caveats)


def _show_example(
    marking: Marking[Any, HiddenValues, Floats],
    attribute: Attribute,
    scores: Floats,
    truth: HiddenValues,
) -> Exhibit:
    """Show the training record that the attack is most certain of."""
    best = int(np.argmax(np.where(truth.member, _lead(scores), -np.inf)))
    record = marking.deal.question.records
    shown_row = ", ".join("?" if np.isnan(v) else f"{v:g}" for v in record.x[best])
    guess, true = attribute.values[int(scores[best].argmax())], attribute.values[truth.values[best]]
    return Exhibit(
        title="the training record whose value the attack is most certain of",
        before=shown_row,
        after=f"{attribute.name}: {guess}",
        note=f"true value {true}; class {marking.app.classes[record.y[best]]}",
        private=True,
    )
