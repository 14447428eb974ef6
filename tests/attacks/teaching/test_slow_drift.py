"""Slow drift stops by what it measures; the same lies all at once are noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate
from goalkeeper.attacks.teaching.feedback_flips import FeedbackFlips
from goalkeeper.attacks.teaching.slow_drift import SlowDrift
from goalkeeper.core.application import Application, Feedback
from goalkeeper.core.data import Splits
from goalkeeper.core.evidence import AttackResult
from goalkeeper.games.teaching import Teaching
from tests.attacks.teaching.test_wrong_feedback import channel, door, rigged
from tests.contract.harness import enough, task_of


def watched() -> Application:
    """Build the learner that believes every record, with a larger reference set and a monitor."""
    app = rigged()
    data = app.data
    both = data.holdout
    data = Splits(
        train=data.train,
        holdout=both.take(slice(0, 300)),
        calibration=both.take(slice(300, 600)),
        similar=data.similar,
    )
    loop = Feedback(share=0.05, rounds=8, monitor=0.06, snapshots=8)
    return replace(app, data=data, feedback=loop)


def result_of(attack: AnyAttack, app: Application, share: float = 0.25) -> AttackResult:
    granted = enough(type(attack), share=share)
    task = task_of(type(attack), app, "taught-wrong")
    return evaluate(
        app, AttackRun(attack=attack, game=Teaching(), task=task, granted=granted, seed=2)
    )


def noticed(result: AttackResult) -> float:
    return next(m.value for m in result.measurements if m.metric == "noticed")


@pytest.mark.requirement("S27")
def test_a_flood_is_noticed_and_a_slow_drift_is_not() -> None:
    app = watched()
    flood, slow = result_of(FeedbackFlips(), app), result_of(SlowDrift(), app)
    assert noticed(flood) == 1.0
    assert noticed(slow) == 0.0
    assert slow.measurements[0].value > flood.measurements[0].value
    assert slow.measurements[0].value > 0


def test_it_stops_once_its_part_of_the_tolerance_is_used_up() -> None:
    app = watched()
    sizes = {
        part: sum(len(x) for x in SlowDrift(part=part).run(channel(app), door(app)).batches)
        for part in (0.1, 0.5)
    }
    assert 0 < sizes[0.1] < sizes[0.5]


def test_unwatched_it_gives_all_it_may_and_asks_nothing() -> None:
    app = rigged()
    access = door(app)
    batches = SlowDrift().run(channel(app), access).batches
    assert sum(len(x) for x in batches) == 33
    assert access.spent.queries == 0


def test_what_is_asked_about_is_never_reported() -> None:
    app = watched()
    access = door(app)
    asked: list[np.ndarray] = []
    query = access.query
    access.query = lambda x, *a: (asked.append(x), query(x, *a))[1]  # type: ignore[method-assign, func-returns-value]
    batches = SlowDrift().run(channel(app), access).batches
    seen = {row.tobytes() for row in np.concatenate(asked)}
    assert not seen & {row.tobytes() for x in batches for row in np.asarray(x.x)}
