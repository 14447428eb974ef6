"""Steal, then evade: the copy finds the words that pull, and every campaign pays for it."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks._mixtures import WordPull
from goalkeeper.attacks.evasion.good_words_from_substitute import (
    GoodWordsFromSubstitute,
    measure_pull,
)
from goalkeeper.core.power import View
from goalkeeper.games.evasion import Ending
from goalkeeper.testing.worlds.word_filters import GOOD
from tests.attacks.evasion.arena import attacked, dealt, part, weak


@pytest.mark.requirement("S35", "S54")
def test_words_stolen_from_the_filter_pass_it() -> None:
    """The weak filter turns at two of its good words: no success is larger, and it is those."""
    app = weak()
    question = part(dealt(app, "harmful-passes").question, range(20))
    answer, access = attacked(GoodWordsFromSubstitute(), app, question, queries=2000)
    labels = app.target.answer(answer.x, View.LABELS).labels
    assert (labels == 0).all()
    assert (answer.endings == Ending.BROKEN).all()
    sizes = question.constraint.size(question.x, answer.x)
    assert np.median(sizes) <= 3
    for before, after in zip(question.x, answer.x, strict=True):
        assert set(after[len(before) :].split()) & set(GOOD)
    assert access.left().max() <= 2000 - 1000  # every campaign paid for the copy


def test_what_is_learnt_is_paid_by_each_and_asked_once() -> None:
    app = weak()
    question = part(dealt(app, "harmful-passes").question, range(10))
    _, access = attacked(GoodWordsFromSubstitute(questions=500), app, question, queries=2000)
    spent = 2000 - access.left()
    assert (spent >= 500).all()
    assert access.spent.queries == spent.sum() - 500 * 9


@pytest.mark.parametrize(
    ("wanted", "order"), [((True, False), [0, 1, 2]), ((False, True), [2, 1, 0])]
)
def test_the_pull_has_a_direction(wanted: tuple[bool, bool], order: list[int]) -> None:
    pull = WordPull(np.array([[-2.0, 0.0, 3.0]]), np.zeros(1), np.array([0, 1]), normed=False)
    assert np.argsort(-measure_pull(pull, np.array(wanted))).tolist() == order


def test_classes_never_seen_pull_nowhere() -> None:
    pull = WordPull(np.ones((3, 2)), np.zeros(3), np.array([0, 1, 2]), normed=False)
    assert not measure_pull(pull, np.array([True, True, True, False])).any()
