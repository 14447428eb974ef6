"""Flipped answers: which class every answer says afterwards is known."""

from __future__ import annotations

import pytest

from goalkeeper.attacks.transit.flipped_answers import FlippedAnswers
from goalkeeper.core.errors import NotGranted
from tests.attacks.transit.messages import SCORES, messages, sent, traffic
from tests.wired_mail import door


@pytest.mark.requirement("S25")
def test_every_class_becomes_the_first_with_another_reaction_and_scores_follow() -> None:
    turned = messages(FlippedAnswers().run(traffic(), door())(sent(0, 1, 2)))
    assert turned.labels.tolist() == [1, 0, 0]
    expected = [[0.2, 0.7, 0.1], [0.6, 0.1, 0.3], [0.9, 0.1, 0.0]]
    assert turned.scores.tolist() == expected
    assert turned.scores.argmax(axis=1).tolist() == turned.labels.tolist()
    assert SCORES[0].tolist() == [0.7, 0.2, 0.1], "what was sent is left as it was"


def test_a_class_with_the_same_reaction_is_no_aim() -> None:
    alike = traffic(("folder", "folder", "bin"))
    turned = FlippedAnswers().run(alike, door())(sent(0, 1, 2, scored=False))
    assert turned.labels.tolist() == [2, 2, 0]
    none = FlippedAnswers().run(traffic(("log",) * 3), door())(sent(0, 1, 2))
    assert none.labels.tolist() == [0, 1, 2]


def test_needs_to_stand_in_the_way() -> None:
    with pytest.raises(NotGranted, match="capability O"):
        FlippedAnswers().run(traffic(), door(transit=False))
