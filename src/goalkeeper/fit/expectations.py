"""What the user knows of the model, compared with what goalkeeper finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.fit import AccuracyEstimate, Expectation
from goalkeeper.core.power import View
from goalkeeper.fit.examples import describe_record

# Accuracies are remembered with two digits. The interval is that of the report: as the user's own
# figure is mostly from the same test file, it is missed less often than in 5 % of all runs.
TOLERANCE = 0.01
# Share of answers that may differ: numbers that are rounded otherwise turn a close decision.
MOST_DIFFERENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationOutcome:
    """What was expected, in words, and whether it was found; `problem` says what was not."""

    expects: str = ""
    confirmed: bool = False
    by_answers: bool = False
    problem: str = ""
    notes: tuple[str, ...] = ()


def compare(app: Application, found: Mapping[str, AccuracyEstimate]) -> ExpectationOutcome:
    """Compare what the user expects with the accuracies `train` and `holdout`, or with answers."""
    expectation = app.expects
    if expectation is None:
        return ExpectationOutcome()
    if expectation.known is not None:
        return _compare_answers(app, expectation.known, expectation.source)
    return _compare_accuracy(expectation, found)


def _compare_accuracy(
    expectation: Expectation, found: Mapping[str, AccuracyEstimate]
) -> ExpectationOutcome:
    wanted, seen = expectation.accuracy or 0.0, found[expectation.part]
    where = "training data" if expectation.part == "train" else "unseen records"
    expects = f"accuracy {wanted:g} on {where}"
    if seen.low - TOLERANCE <= wanted <= seen.high + TOLERANCE:
        return ExpectationOutcome(expects=expects, confirmed=True)
    problem = (
        f"you expect an accuracy of {wanted:g} on {where}, but it is {seen.value:.3f} "
        f"({seen.low:.3f} to {seen.high:.3f}, n = {seen.n})"
    )
    return ExpectationOutcome(expects=expects, problem=problem)


def _compare_answers(app: Application, known: Data, source: str) -> ExpectationOutcome:
    labels = app.target.answer(known.x, View.LABELS).labels
    different = np.flatnonzero(labels != known.y)
    expects = f"the {len(known)} answers in {source}"
    if not len(different):
        return ExpectationOutcome(expects=expects, confirmed=True, by_answers=True)
    row = int(different[0])
    theirs, label = app.classes[int(known.y[row])], int(labels[row])
    ours = app.classes[label] if 0 <= label < len(app.classes) else "none of the classes"
    said = (
        f"{len(different)} of {len(known)} answers are not those in {source}: first record "
        f"{row + 1} ({describe_record(known.x[row], app)}), where your system answers {theirs}, "
        f"and the model as goalkeeper asks it {ours}"
    )
    if len(different) <= MOST_DIFFERENT * len(known):
        return ExpectationOutcome(expects=expects, confirmed=True, by_answers=True, notes=(said,))
    return ExpectationOutcome(expects=expects, problem=said)
