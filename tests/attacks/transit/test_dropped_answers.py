"""Dropped answers: none arrives."""

from __future__ import annotations

import pytest

from goalkeeper.attacks.transit.dropped_answers import DroppedAnswers
from goalkeeper.core.errors import NotGranted
from tests.attacks.transit.messages import messages, sent, traffic
from tests.wired_mail import door


@pytest.mark.requirement("S25", "S31")
def test_nothing_arrives_and_nothing_is_changed() -> None:
    dropped = messages(DroppedAnswers().run(traffic(), door())(sent(0, 1, 2)))
    assert dropped.arrives.tolist() == [False, False, False]
    assert dropped.labels.tolist() == [0, 1, 2]
    assert sent(0, 1).arrives.all()


def test_needs_to_stand_in_the_way() -> None:
    with pytest.raises(NotGranted, match="capability O"):
        DroppedAnswers().run(traffic(), door(transit=False))
