"""Synonyms: those that help most, in the order of how much, and never another word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks.evasion.word_edits import WordEdits
from goalkeeper.core.application import Application
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.evasion import Ending, EvasionQuestion, list_synonyms
from goalkeeper.testing.worlds.word_filters import WordFilter
from tests.attacks.evasion.arena import attacked, dealt, weak


def asked_of(app: Application, text: str) -> EvasionQuestion:
    question = dealt(weak(), "harmful-passes-edits").question
    return replace(question.take(np.arange(1)), x=texts([text]))


@pytest.mark.requirement("S22", "S23")
def test_the_heaviest_words_are_replaced_first() -> None:
    """4 + 3 + 1 - 4.5 > 0, without the heaviest word -0.5, without the next 0.5."""
    app = replace(weak(), target=WordFilter({"cash": 4.0, "prize": 3.0, "loan": 1.0}, -4.5))
    question = asked_of(app, "a loan and a prize and cash")
    answer, access = attacked(WordEdits(), app, question, queries=100)
    assert answer.endings.tolist() == [Ending.BROKEN]
    (after,) = answer.x.tolist()
    assert after.startswith("a loan and a prize and ")
    assert after.split()[-1] in list_synonyms("cash")
    words = sum(len(list_synonyms(word)) for word in ("loan", "prize", "cash"))
    assert access.spent.queries <= words + 3


def test_several_words_are_replaced_where_one_is_not_enough() -> None:
    app = replace(weak(), target=WordFilter({"cash": 2.0, "prize": 2.0, "loan": 1.0}, -1.5))
    question = asked_of(app, "a loan and a prize and cash")
    answer, _ = attacked(WordEdits(), app, question, queries=100)
    assert answer.endings.tolist() == [Ending.BROKEN]
    assert question.constraint.size(question.x, answer.x).tolist() == [2.0]
    assert answer.x[0].startswith("a loan and")


def test_a_synonym_that_harms_is_not_the_one_that_is_taken() -> None:
    weights = {"cash": 2.0} | dict.fromkeys(list_synonyms("cash")[:-1], 3.0)
    app = replace(weak(), target=WordFilter(weights, -1.0))
    answer, _ = attacked(WordEdits(), app, asked_of(app, "send cash over"), queries=100)
    assert answer.x[0].split()[1] == list_synonyms("cash")[-1]


def test_words_without_synonyms_stay() -> None:
    app = replace(weak(), target=WordFilter({"qwertyuiop": 2.0}, -1.0))
    question = asked_of(app, "qwertyuiop 123")
    answer, access = attacked(WordEdits(), app, question, queries=100)
    assert answer.x.tolist() == ["qwertyuiop 123"]
    assert access.spent.queries == 0


def test_all_answers_are_right_as_the_filter_says() -> None:
    app = weak()
    question = dealt(app, "harmful-passes-edits").question
    answer, _ = attacked(WordEdits(), app, question, queries=500)
    labels = app.target.answer(answer.x, View.LABELS).labels
    assert (question.goal.reached(labels) == (answer.endings == Ending.BROKEN)).all()
    assert question.constraint.allows(question.x, answer.x).all()
