"""The ROC curve that a report shows: its points are those of the scores, and it keeps no score."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.games.membership.roc import MOST_POINTS, draw_roc
from goalkeeper.stats import clopper_pearson


def test_each_point_counts_members_above_the_threshold_of_so_many_false_alarms() -> None:
    rng = np.random.default_rng(5)
    members, others = rng.normal(1, 1, 300), rng.normal(0, 1, 400)
    curve = draw_roc(members, others)
    assert len(curve.x) <= MOST_POINTS
    assert curve.x[0] == 1 / 400
    assert (curve.x[-1], curve.value[-1]) == (1, 1)
    falling = np.sort(others)[::-1]
    for x, value, low, high in zip(curve.x, curve.value, curve.low, curve.high, strict=True):
        exact = clopper_pearson(round(value * 300), 300)
        assert low <= exact[0] + 1e-9
        assert high >= exact[1] - 1e-9
        alarms = round(x * 400)
        # As many as can be found before one more false alarm is raised.
        threshold = falling[alarms] if alarms < 400 else -np.inf
        found = int((members > threshold).sum())
        assert value == pytest.approx(found / 300)


def test_scores_that_tell_nothing_lie_on_the_line_of_guessing() -> None:
    rng = np.random.default_rng(6)
    outside = 0
    for _ in range(40):
        curve = draw_roc(rng.random(500), rng.random(500))
        middle = len(curve.x) // 2
        for i in (middle - 5, middle, middle + 5):
            outside += not curve.low[i] <= curve.x[i] <= curve.high[i]
    assert outside <= 16  # 6 are expected of 120, correlated within a curve
