"""The system around a model: what tags bind, and what is no answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.games.shared.system import AnswerChannel, Messages, System
from tests.games.reacting import wired_mail


def test_tags_bind_content_and_number() -> None:
    answers = Answers(np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]))
    signed, fresh = AnswerChannel("signed", b"k"), AnswerChannel("replay-protected", b"k")
    sent = signed.seal(answers, 10, scored=True)
    assert signed.accepts(sent.take(np.array([2, 1, 1])), 10).all()
    assert not AnswerChannel("signed", b"other").accepts(sent, 10).any()
    numbered = fresh.seal(answers, 10, scored=True)
    assert fresh.accepts(numbered, 10).all()
    assert not fresh.accepts(numbered, 11).any()
    assert fresh.accepts(numbered.take(np.array([2, 1, 0])), 10).tolist() == [False, True, False]
    nudged = replace(sent, _scores=answers.scores + 1e-12)
    assert not signed.accepts(nudged, 10).any()


def test_an_answer_that_is_no_class_is_noticed() -> None:
    system = System.of(wired_mail(), b"k")
    found = system.react(Messages(np.array([0, 7, -1])), 0)
    assert found.names.tolist() == ["inbox", "stops", "stops"]
    assert found.noticed.tolist() == [False, True, True]
