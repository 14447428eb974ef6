"""What is left to gain where the copy that needs no question is nearly always right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, execute
from goalkeeper.attacks.extraction.substitute_from_data import SubstituteFromData
from goalkeeper.core.application import Application, Tolerances
from goalkeeper.core.data import Data
from goalkeeper.core.evidence import Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.extraction.game import TASK
from goalkeeper.games.extraction.remainder import Remainder
from goalkeeper.games.shared.simple_targets import LinearTarget
from tests.attacks.extraction.doors import around, random_linear, table

GRANTED = Power(
    knowledge=Knowledge(data=Grade.PARTIAL),
    capabilities=Capability.M2,
    view=View.LABELS,
    budget=Budget(queries=100),
)


def remainder(count: int, answered: tuple[int, ...], tolerated: float = 0.02) -> Remainder:
    """Let the copy differ on the first so many of the inputs with these numbers of answers."""
    classes = len(answered)
    app = around(random_linear(4, classes, 0, 2.0), table(4), classes)
    labels = np.repeat(np.arange(classes), answered)
    same = np.arange(len(labels)) >= count
    return Remainder.of(replace(app, tolerances=Tolerances(accuracy_drop=tolerated)), labels, same)


@pytest.mark.parametrize(
    ("left", "negligible"),
    [
        (remainder(0, (500, 500)), True),
        (remainder(5, (500, 500)), True),
        (remainder(30, (500, 500)), False),
        (remainder(3, (100,) * 10), True),
        (remainder(0, (60, 60)), False),  # so few inputs exclude nothing
        (remainder(5, (5, 995)), False),  # it never gives the rare answer
        (remainder(0, (5, 995)), False),  # too few rare ones to say that it always does
        (remainder(0, (1000, 0)), False),
        (remainder(5, (500, 500), 0.005), False),
        (remainder(60, (500, 500), 0.5), False),  # a tolerance is no licence to copy
    ],
)
def test_what_is_left_must_not_matter_in_any_class(left: Remainder, *, negligible: bool) -> None:
    assert left.negligible == negligible


def test_the_bound_holds_in_nineteen_of_twenty_samples() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for share in (0.5, 0.2, 0.05):
        wrong = np.array([0.04, 0.01])  # of each class
        for _ in range(100):
            y = (rng.random(600) < share).astype(np.int64)
            left = remainder(0, (300, 300))
            app = around(random_linear(4, 2, 0, 2.0), table(4), 2)
            left = Remainder.of(app, y, rng.random(600) >= wrong[y])
            missed += left.most < wrong.mean()
    assert missed <= 15


def linear(*, rare: bool = False) -> Application:
    """Make an application whose data a query-free model learns perfectly, or of a rare class."""
    weights = np.zeros((2, 4))
    weights[1, 0] = 4.0
    target = LinearTarget(weights, np.array([0.0, -3.98 if rare else 0.0]))
    app = around(target, table(4), 2)

    def labelled(data: Data) -> Data:
        x = np.repeat(data.x, 4, axis=0)
        x[:, 1:] += 1e-3 * np.random.default_rng(1).normal(size=x[:, 1:].shape)
        x[:, 0] = x[:, 0] if rare else np.sign(x[:, 0]) * (0.5 + np.abs(x[:, 0]) / 2)
        return Data(x=x, y=target.answer(x, View.LABELS).labels)

    parts = {part: labelled(getattr(app.data, part)) for part in app.data.sizes()}
    return replace(app, data=replace(app.data, **parts))


def play(app: Application) -> tuple[Status, str]:
    run = AttackRun(
        attack=SubstituteFromData(), game=Extraction(), task=TASK, granted=GRANTED, seed=0
    )
    result = execute(app, run)
    return result.status, result.reason


def test_nothing_is_to_be_had_where_the_copy_without_a_question_is_as_good() -> None:
    status, reason = play(linear())
    assert status is Status.NOT_APPLICABLE
    assert reason.startswith("nothing is to be had: a model trained without any query")


def test_a_rare_answer_is_never_ruled_out_unseen() -> None:
    status, _ = play(linear(rare=True))
    assert status is not Status.NOT_APPLICABLE
