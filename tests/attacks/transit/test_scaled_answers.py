"""Scaled answers: sure becomes unsure by a closed form, and the class stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks.transit.scaled_answers import ScaledAnswers, mirror_confidence
from goalkeeper.core.application import Wiring
from goalkeeper.core.errors import NotGranted
from goalkeeper.games.shared.reacting import react_by_certainty
from goalkeeper.games.transit import Messages
from tests.attacks.transit.messages import messages, sent, traffic
from tests.wired_mail import door, mail


@pytest.mark.requirement("S25")
def test_the_highest_score_is_mirrored_and_the_others_keep_their_proportions() -> None:
    turned = messages(ScaledAnswers().run(traffic(), door())(sent(0, 1, 2)))
    assert turned.labels.tolist() == [0, 1, 2]
    top = turned.scores[np.arange(3), turned.labels]
    assert top == pytest.approx([4 / 3 - 0.7, 4 / 3 - 0.6, 4 / 3 - 0.9])
    assert turned.scores.sum(axis=1) == pytest.approx(1)
    assert turned.scores[0, 1] / turned.scores[0, 2] == pytest.approx(2)
    assert turned.scores[1, 2] / turned.scores[1, 0] == pytest.approx(3)


def test_a_certain_answer_becomes_an_even_one_and_back() -> None:
    sure = Messages(np.array([1]), np.array([[0.0, 1.0]]))
    even = messages(mirror_confidence(sure))
    assert even.scores.tolist() == [[0.5, 0.5]]
    assert messages(mirror_confidence(even)).scores.tolist() == [[0.0, 1.0]]


def test_answers_without_scores_pass_as_they_are() -> None:
    bare = sent(0, 1, scored=False)
    assert mirror_confidence(bare) is bare


def test_needs_a_system_that_reads_scores_and_a_place_in_the_way() -> None:
    unfit = ScaledAnswers().unfit(mail())
    assert unfit is not None
    assert unfit.proven
    assert "scores change nothing" in unfit.reason
    reads = replace(mail(), wiring=Wiring(adapter=react_by_certainty))
    assert ScaledAnswers().unfit(reads) is None
    with pytest.raises(NotGranted, match="capability O"):
        ScaledAnswers().run(traffic(), door(transit=False))
