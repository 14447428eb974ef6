"""The Square attack on linear classifiers, of which the largest change of the margin is known."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.evasion.square import Square
from goalkeeper.games.evasion import Ending
from tests.attacks.evasion.arena import attacked
from tests.attacks.evasion.fields import SIDE, application, dealt, images


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_climbs_by_scores_and_stays_in_the_ball(norm: str) -> None:
    weights = np.stack([np.zeros(SIDE * SIDE), np.full(SIDE * SIDE, 1.0)])
    app = application(weights, np.array([0.0, -SIDE * SIDE * 0.5]), draw=images)
    question = dealt(app, f"any-wrong-{norm}").question
    answer, access = attacked(Square(), app, question, queries=300)
    solved = answer.endings == Ending.BROKEN
    assert solved.any()
    assert question.constraint.allows(question.x, answer.x).all()
    assert access.spent.queries <= 300 * len(question.x)


def test_the_result_of_an_image_does_not_depend_on_the_others() -> None:
    weights = np.stack([np.zeros(SIDE * SIDE), np.full(SIDE * SIDE, 1.0)])
    app = application(weights, np.array([0.0, -SIDE * SIDE * 0.5]), draw=images)
    question = dealt(app, "any-wrong-linf").question
    whole, _ = attacked(Square(), app, question, queries=50)
    part, _ = attacked(Square(), app, question.take(np.arange(3)), queries=50)
    assert np.array_equal(whole.x[:3], part.x)
