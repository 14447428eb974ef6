"""The one pixel attack on classifiers with a planted pixel."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.evasion import one_pixel
from goalkeeper.attacks.evasion.one_pixel import OnePixel
from goalkeeper.core.data import Floats
from goalkeeper.core.power import View
from goalkeeper.games.evasion import Ending, Grid, PixelConstraint
from goalkeeper.games.shared.simple_targets import LinearTarget
from tests.attacks.evasion.arena import attacked
from tests.attacks.evasion.fields import SIDE, application, dealt, images

KEY = 19  # the planted pixel
LIMITS = PixelConstraint(pixels=1, grid=Grid())


def planted(pixels: int = 1, height: float = 3.0) -> tuple[Floats, Floats]:
    """Weights by which the planted pixels together, and nothing else, can turn class 0."""
    weights = np.full(SIDE * SIDE, 0.01)
    weights[KEY : KEY + pixels] = height / pixels
    return np.stack([np.zeros_like(weights), weights]), np.array([0.0, -0.9 * height])


def scores(weights: Floats, bias: Floats, x: Floats) -> Floats:
    return LinearTarget(weights, bias).answer(x, View.SCORES).scores


@pytest.mark.requirement("S43")
def test_it_finds_the_planted_pixel() -> None:
    weights, bias = planted()
    x = np.round(images(20) * 255) / 255
    found = one_pixel(lambda points: scores(weights, bias, points), x, np.zeros(20, int)).points
    assert (scores(weights, bias, found).argmax(axis=1) == 1).all()
    where = (found != x).reshape(20, -1)
    assert (where.sum(axis=1) == 1).all()
    assert where[:, KEY].all()
    assert LIMITS.allows(x, found).all()


def test_it_finds_a_pixel_by_scores_that_saturate_in_the_softmax() -> None:
    """The score of the wanted class is about 1e-40: only its logarithm shows the way."""
    weights, bias = planted(height=100.0)
    x = np.round(images(20) * 255) / 255
    found = one_pixel(lambda points: scores(weights, bias, points), x, np.zeros(20, int)).points
    assert (scores(weights, bias, found).argmax(axis=1) == 1).mean() > 0.9


def test_several_pixels_are_evolved_when_one_does_not_suffice() -> None:
    weights, bias = planted(pixels=2)
    x = np.round(images(10) * 255) / 255

    def ask(points: Floats) -> Floats:
        return scores(weights, bias, points)

    y = np.zeros(10, dtype=int)
    one = one_pixel(ask, x, y)
    assert (one.points == x).all()
    assert not one.success.any()
    several = one_pixel(ask, x, y, pixels=4, generations=100)
    assert (ask(several.points).argmax(axis=1) == 1).mean() == several.success.mean() >= 0.8
    assert PixelConstraint(pixels=4, grid=Grid()).allows(x, several.points).all()
    assert (several.distance <= 4).all()


def test_in_the_game_one_pixel_counts_as_one() -> None:
    weights, bias = planted(height=3.0)
    app = application(weights, bias, draw=images)
    task = "any-wrong-pixels"
    question = dealt(app, task).question
    answer, access = attacked(OnePixel(), app, question, queries=1000)
    solved = answer.endings == Ending.BROKEN
    assert solved.mean() > 0.9
    assert set(question.constraint.size(question.x, answer.x)[solved]) == {1.0}
    assert access.spent.queries < 1000 * len(question.x)
