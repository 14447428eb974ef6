"""Report a marked evasion attack: measurements, controls, caveats, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.evidence import Control, Curve, Exhibit, Measurement, Tally
from goalkeeper.core.threats import ANY_OTHER
from goalkeeper.games.base import Marking
from goalkeeper.games.evasion.goals import describe_target
from goalkeeper.games.evasion.parts import (
    CleanState,
    Constraint,
    Ending,
    EvasionQuestion,
    Submission,
)
from goalkeeper.games.evasion.tables import EntryConstraint
from goalkeeper.games.evasion.ways import find_kind
from goalkeeper.games.shared.measuring import build_measurement, measure_count, measure_rate
from goalkeeper.games.shared.pictures import draw_change
from goalkeeper.games.shared.wording import percent, rate, span
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.stats import clopper_pearson, nondecreasing_band

ROBUST_ACCURACY = "robust accuracy"
MAX_FALSE_CLAIMS = 0.1  # share of the inputs; more, and a search was led astray by chance
MIN_GROUP = 5  # inputs below which a group is not shown by itself
MAX_EXAMPLES = 3
MAX_CHARS = 1500  # of an example


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MarkedAttack:
    """What the game found for each input, `(n,)`; size and queries are infinite if unbroken."""

    marking: Marking[EvasionQuestion, CleanState, Submission]
    solved: Bools
    size: Floats
    queries: Floats
    after: Inputs
    label: Ints
    random_hits: Bools
    lost: Bools
    invalid: Bools
    unanswered: Bools
    tally: Tally

    @property
    def question(self) -> EvasionQuestion:
        """What was asked."""
        return self.marking.deal.question

    @property
    def before(self) -> CleanState:
        """What the game remembers."""
        return self.marking.deal.secret

    def endings(self) -> Counter[str]:
        """Count how the inputs ended; what the game found overrides what the attack claims."""
        claimed = self.marking.final.answer.endings
        found = [
            Ending.BROKEN
            if solved
            else Ending.INVALID
            if invalid
            else Ending.BUDGET_SPENT
            if ending == Ending.BUDGET_SPENT
            else Ending.SURVIVED
            for solved, invalid, ending in zip(self.solved, self.invalid, claimed, strict=True)
        ]
        return Counter(found) + Counter({Ending.WRONG_BEFORE: self.before.wrong_before})


def summarise(marked: MarkedAttack) -> str:
    """Return in one sentence what the attack reached."""
    n, broken, chance = len(marked.solved), int(marked.solved.sum()), int(marked.random_hits.sum())
    low, high = clopper_pearson(broken, n)
    middle, within = _median(marked.size), marked.question.constraint.within
    robust = _measure_accuracy(marked)
    size = f"; median size {middle:g} {marked.question.constraint.unit}" if isfinite(middle) else ""
    return (
        f"The attack turned {broken} of {n} correctly classified inputs {_name_ending(marked)} "
        f"{within} ({percent(broken / n)}, {span(low, high)}){size}; random changes of the same "
        f"size: {chance}; robust accuracy {rate(robust.value, robust.low, robust.high)}."
    )


def _name_ending(marked: MarkedAttack) -> str:
    """Say what inputs become that reach the goal of the task."""
    app, task = marked.marking.app, marked.marking.task
    target = find_kind(app, task).target
    return "into errors" if target == ANY_OTHER else f"into errors{describe_target(target)},"


def measure(marked: MarkedAttack, *, by_size: bool) -> tuple[Measurement, ...]:
    """List the success rate first, then its cost, the groups, and the accuracy."""
    everything = np.ones(len(marked.solved), dtype=bool)
    counts = marked.endings()
    note = ", ".join(f"{counts[ending]} {ending}" for ending in Ending if counts[ending])
    unit = marked.question.constraint.unit
    found = [_measure_success(marked, everything, note=note), _measure_median(marked.size, unit)]
    if not by_size:
        found.append(_measure_median(marked.queries, "queries"))
    return (*found, *_measure_groups(marked), _measure_accuracy(marked))


def _measure_success(
    marked: MarkedAttack, chosen: Bools, group: str = "", note: str = ""
) -> Measurement:
    baseline = float(marked.random_hits[chosen].mean())
    return measure_rate("success_rate", marked.solved[chosen], baseline, group=group, note=note)


def _measure_median(values: Floats, unit: str) -> Measurement:
    """Bound a median by order statistics; it is infinite where fewer than half are broken."""
    from scipy.stats import binom

    n, ranked = len(values), np.sort(values)
    # The k-th smallest and k-th largest of n enclose the median with 95 % or more, where k is the
    # 2.5 % quantile of Binomial(n, 1/2).
    k = max(1, int(binom.ppf(0.025, n, 0.5)))
    estimate = _median(values), float(ranked[k - 1]), float(ranked[n - k])
    note = "unbroken inputs count as infinite"
    return build_measurement(f"median {unit} until broken", estimate, n, note=note)


def _median(values: Floats) -> float:
    """Return the lower median, which is infinite only where half or more are."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def _measure_groups(marked: MarkedAttack) -> Iterator[Measurement]:
    """Yield the success rate of each class, subgroup and person, the worst first."""
    app, attacked = marked.marking.app, marked.before.attacked
    found = []
    for name, values in group_values(app, attacked).items():
        kinds = sorted(set(values.tolist()), key=str)
        for kind in kinds if len(kinds) > 1 else ():
            chosen = np.asarray(values == kind)
            if chosen.sum() >= MIN_GROUP:
                found.append(_measure_success(marked, chosen, group=f"{name}: {kind}"))
    yield from sorted(found, key=lambda m: (-m.value, -m.low, m.group))


def group_values(app: Application, data: Data) -> Mapping[str, NDArray[Any]]:
    """Return the columns by which attacked inputs are grouped, with their values `(n,)`."""
    names = [*app.subgroups, *([app.person] if app.person else [])]
    values = {name: data.columns[name] for name in names if name in data.columns}
    return {**values, "class": np.array(app.classes, dtype=object)[data.y]}


def draw_robust_accuracy(before: CleanState, curve: Curve, solved: Ints) -> Curve:
    """Draw the robust accuracy over the budgets of a curve, from the accuracy without an attack.

    solved: `(m,)` inputs broken within each of the `m` budgets.
    """
    failed = np.concatenate([[0], solved]) + before.wrong_before
    band = nondecreasing_band(failed, before.looked_at)
    return Curve(
        metric=ROBUST_ACCURACY,
        budget=curve.budget,
        unit=curve.unit,
        x=(0.0, *curve.x),
        value=tuple((1 - band.value).tolist()),
        low=tuple((1 - band.high).tolist()),
        high=tuple((1 - band.low).tolist()),
    )


def _measure_accuracy(marked: MarkedAttack) -> Measurement:
    """Measure the share of all inputs looked at that are right and withstand; baseline: right.

    Inputs that were wrong before are not robust. Inputs are drawn until enough are right, so their
    number is random where there are more; the interval is that of a fixed number all the same: it
    then covers with at least 95 %, as the enumeration in the tests shows, since fixing the number
    of right ones removes variance and adds none.
    """
    looked_at, correct = marked.before.looked_at, len(marked.solved)
    return measure_count(
        ROBUST_ACCURACY,
        correct - int(marked.solved.sum()),
        looked_at,
        correct / looked_at,
        note="share of all inputs of this kind that are classified correctly, and withstand the "
        "attack; baseline: the accuracy without an attack",
    )


# ---- checks on the attack ------------------------------------------------------------------------


def check_controls(marked: MarkedAttack, unrepeatable: int) -> tuple[Control, ...]:
    """Check for the known ways in which an evasion attack deceives itself."""
    n, chance = len(marked.solved), int(marked.random_hits.sum())
    false = int(_find_false_claims(marked).sum())
    lost, invalid = int(marked.lost.sum()), int(marked.invalid.sum())
    return (
        Control(
            name="does more than random changes of equal size",
            passed=chance == 0 or beats_baseline(marked.tally),
            detail=f"{int(marked.solved.sum())} of {n}, vs {chance} of {n} by random changes",
            voids=True,
        ),
        Control(
            name="answers are repeatable",
            passed=unrepeatable == 0,
            detail=f"{unrepeatable} answers differed when inputs were sent again, one at a time",
        ),
        Control(
            name="more budget never undoes a success",
            passed=lost == 0,
            detail=f"{lost} inputs were broken by an earlier submission and not by the last",
        ),
        Control(
            name="claimed successes are verified",
            passed=false == 0,
            detail=f"{false} inputs that the attack reported as broken were not when sent again",
        ),
        Control(
            name="every change satisfies the constraint",
            passed=invalid == 0,
            detail=f"{invalid} inputs were changed beyond the constraint; they do not count",
        ),
        *marked.marking.final.answer.controls,
        *_check_answers(marked),
    )


def _find_false_claims(marked: MarkedAttack) -> Bools:
    """Return which inputs `(n,)` the attack reported as broken, and were not when sent again."""
    endings = marked.marking.final.answer.endings
    claimed = np.array([ending == Ending.BROKEN for ending in endings], dtype=bool)
    return np.asarray(claimed & ~marked.solved)


def _check_answers(marked: MarkedAttack) -> tuple[Control, ...]:
    """Fail where the application failed on changes of many inputs: what they do is not known."""
    failing, n = int(marked.unanswered.sum()), len(marked.solved)
    if not failing:
        return ()
    return (
        Control(
            name="the application answers changed inputs",
            passed=False,
            detail=f"the application failed on changes of {failing} of {n} inputs (it raised, or "
            "its answer was not a number), so that it is not known whether these withstand",
        ),
    )


def explain_failure(marked: MarkedAttack) -> str:
    """Say why what withstood proves nothing; empty where it does, or where nothing withstood.

    The attack failed checks of its own work, or random changes break as much as it did.
    """
    if marked.solved.all():
        return ""
    own = (*marked.marking.final.answer.controls, *_check_answers(marked))
    failed = [c for c in own if not c.passed]
    if failed:
        return "what withstood proves nothing: " + "; ".join(c.detail for c in failed)
    n, broken, chance = len(marked.solved), int(marked.solved.sum()), int(marked.random_hits.sum())
    false = int(_find_false_claims(marked).sum())
    if marked.before.repetition.asks > 1 and false > MAX_FALSE_CLAIMS * n:
        return (
            f"the application answers at random, and the attack took chance for success: {false} "
            f"of {n} inputs that it reported as broken are not in most of the answers"
        )
    if chance and chance >= broken:
        return (
            f"random changes of equal size break {chance} of {n} inputs, and the attack {broken}: "
            "it did not search"
        )
    return ""


def list_caveats(marked: MarkedAttack) -> tuple[str, ...]:
    """State what qualifies the result."""
    before, n = marked.before, len(marked.solved)
    caveats = [
        "Whether a changed input still serves its sender was checked by a rule "
        f"({marked.question.constraint.rule}), not by people."
    ]
    if before.wrong_before:
        caveats.append(
            f"{before.wrong_before} of {before.looked_at} inputs were misclassified without any "
            "attack; they were not attacked and do not count as successes."
        )
    if before.unanswered:
        caveats.append(
            f"The application failed on {before.unanswered} inputs or changes of them (it raised, "
            "or its answer was not a number); these inputs count neither as broken nor as "
            "withstanding."
        )
    if before.repetition.asks > 1:
        caveats.append(
            "The application answers the same input differently from time to time. Each "
            "submission, and each random change it is compared with, was judged by a majority "
            f"of {before.repetition.asks} answers."
        )
    if n < 100:
        caveats.append(f"Only {n} inputs were attacked; more data would narrow the interval.")
    return tuple(caveats)


def show_examples(marked: MarkedAttack) -> tuple[Exhibit, ...]:
    """Show the inputs that took the smallest change; harmless ones are private."""
    app, question = marked.marking.app, marked.question
    chosen = np.argsort(marked.size, kind="stable")[: min(MAX_EXAMPLES, int(marked.solved.sum()))]
    return tuple(
        Exhibit(
            title=f"{app.classes[question.y[i]]}, classified as {app.classes[marked.label[i]]} "
            "after the change",
            note=f"{marked.size[i]:g} {question.constraint.unit}",
            private=app.harmless is None or int(question.y[i]) == app.harmless,
            **_show_change(marked, int(i)),
        )
        for i in chosen
    )


def _show_change(marked: MarkedAttack, i: int) -> dict[str, Any]:
    """Show an input before and after: an image as a picture, anything else as text."""
    question, domain = marked.question, marked.marking.app.domain
    constraint, before, after = question.constraint, question.x[i], marked.after[i]
    texts: dict[str, Any] = {}
    if question.x.dtype == object or isinstance(constraint, EntryConstraint):
        texts["before"] = _format(before, after, constraint)
        texts["after"] = _format(after, before, constraint)
    if isinstance(domain, ImageDomain):
        texts["picture"] = draw_change(before, after, domain)
    return texts


def _format(value: Any, other: Any, constraint: Constraint) -> str:
    """Write a text as it is, and of a row the entries in which it differs from another."""
    if isinstance(constraint, EntryConstraint):
        return constraint.format_differences(value, other)
    return value if len(value) <= MAX_CHARS else f"{value[:MAX_CHARS]} [...]"
