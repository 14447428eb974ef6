"""Replayed answers: which recorded message stands in the place of which is known."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.transit.replayed_answers import ReplayedAnswers
from goalkeeper.core.errors import NotGranted
from goalkeeper.games.shared.system import AnswerChannel
from goalkeeper.games.transit import Messages
from tests.attacks.transit.messages import SCORES, messages, sent, traffic
from tests.wired_mail import door


@pytest.mark.requirement("S25")
def test_the_last_old_answer_with_another_reaction_is_sent_tag_and_all() -> None:
    earlier = AnswerChannel("signed", b"k").seal(sent(0, 1, 0, 1), 0, scored=True)
    now = AnswerChannel("signed", b"k").seal(sent(0, 1, 2), 4, scored=True)
    turned = messages(ReplayedAnswers().run(traffic(earlier=earlier), door())(now))
    assert turned.labels.tolist() == [1, 0, 0]
    assert turned.scores.tolist() == SCORES[[1, 0, 0]].tolist()
    assert turned.tags.tolist() == [earlier.tags[3], earlier.tags[2], earlier.tags[2]]
    assert AnswerChannel("signed", b"k").accepts(turned, 4).all()


def test_without_a_fitting_record_an_answer_passes_as_it_is() -> None:
    only = traffic(earlier=sent(0, 0))
    turned = ReplayedAnswers().run(only, door())(sent(0, 1))
    assert turned.labels.tolist() == [0, 0]  # nothing but class 0 was ever recorded
    alike = traffic(("folder", "folder", "bin"), earlier=sent(0, 1))
    assert ReplayedAnswers().run(alike, door())(sent(0, 1, 2)).labels.tolist() == [0, 1, 0]
    empty = traffic(earlier=Messages(np.empty(0, dtype=np.int64)))
    bare = Messages(np.array([0, 1]))
    assert ReplayedAnswers().run(empty, door())(bare).labels.tolist() == [0, 1]


def test_needs_to_stand_in_the_way() -> None:
    with pytest.raises(NotGranted, match="capability O"):
        ReplayedAnswers().run(traffic(), door(transit=False))
