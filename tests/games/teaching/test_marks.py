"""Marks of taught campaigns: what they are compared with, and what their bounds bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.access import Access
from goalkeeper.core.evidence import DamageCount
from goalkeeper.core.feedback import FeedbackBatch
from goalkeeper.games.teaching import FeedbackChannel, FeedbackPlan
from tests.games.teaching.test_game import app_of, found, lying, result_of


def test_what_as_much_honest_feedback_does_as_well_is_no_drift() -> None:
    """All similar records are harmless, so that 21 true reports turn the majority, too."""

    def true(_: FeedbackChannel, access: Access) -> FeedbackPlan:
        own = access.data()
        parts = [own.take(slice(start, start + 10)) for start in (0, 10, 20)]
        return FeedbackPlan(batches=tuple(FeedbackBatch.about(part, part.y) for part in parts))

    app = app_of()
    similar = app.data.similar.take(app.data.similar.y == 0)
    result = result_of(replace(app, data=replace(app.data, similar=similar)), true)
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert tally.gained == tally.lost == (0,) * 5
    declined = found(result, "benign_rejection_rate")
    assert declined.value == declined.baseline == 0.0  # neither declines anything any more


def test_the_smallest_share_lies_between_what_may_and_what_surely_exceeds() -> None:
    """Of 200 inputs none is newly wrong after 10 lies: at most 1.8 % are, which may exceed 1.5 %.

    After 21 lies 150 are, and 50 newly right.
    """
    app = app_of()
    app = replace(app, tolerances=replace(app.tolerances, accuracy_drop=0.015))
    holdout = replace(app.data.holdout, y=np.repeat([1, 0], (150, 50)))
    result = result_of(replace(app, data=replace(app.data, holdout=holdout)), lying(10, 10, 1))
    smallest = found(result, "smallest_share")
    assert (smallest.value, smallest.low, smallest.high) == pytest.approx(
        (21 / 121, 10 / 110, 21 / 121)
    )
