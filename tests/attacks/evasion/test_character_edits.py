"""Respelt words: the fewest that turn a filter whose weights are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks.evasion.character_edits import CharacterEdits
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.evasion import Ending
from goalkeeper.games.evasion.text_edits import EditConstraint
from goalkeeper.testing.worlds.word_filters import GOOD
from tests.attacks.evasion.arena import attacked, dealt, ruled, weak


@pytest.mark.requirement("S22", "S23")
def test_the_fewest_words_are_respelt() -> None:
    """Three bad words, one good one and a bias of -.5: two bad words fewer turn the answer."""
    app = weak()
    question = dealt(app, "harmful-passes-edits").question
    answer, access = attacked(CharacterEdits(), app, question, queries=500)
    assert (answer.endings == Ending.BROKEN).all()
    assert question.goal.reached(app.target.answer(answer.x, View.LABELS).labels).all()
    assert question.constraint.size(question.x, answer.x).tolist() == [2.0] * len(question.x)
    assert access.spent.queries <= 40 * len(question.x)


def test_only_what_stands_in_the_way_is_respelt() -> None:
    """Three good words must go, and the bad one must stay: nothing else turns the answer."""
    app = weak()
    question = dealt(app, "harmless-declined-edits").question
    answer, _ = attacked(CharacterEdits(), app, question, queries=500)
    broken = answer.endings == Ending.BROKEN
    assert broken.mean() > 0.5
    assert question.constraint.allows(question.x, answer.x).all()
    for before, after in zip(question.x[broken], answer.x[broken], strict=True):
        pairs = zip(before.split(), after.split(), strict=True)
        assert {a for a, b in pairs if a != b} == set(GOOD) & set(before.split())


@pytest.mark.parametrize(
    "reads",
    [
        lambda text: text.replace("\u200b", ""),  # drops what nobody sees
        lambda text: text.encode("ascii", "ignore").decode(),  # and drops other scripts
    ],
)
def test_another_way_of_spelling_is_tried_where_one_does_not_help(reads: object) -> None:
    assert callable(reads)
    app = ruled(lambda text: int("guaranteed" in reads(text)))
    question = dealt(weak(), "harmful-passes-edits").question
    x = texts(["this is guaranteed"])
    one = replace(question.take(np.arange(1)), x=x)
    answer, _ = attacked(CharacterEdits(), app, one, queries=50)
    assert answer.endings.tolist() == [Ending.BROKEN]
    assert one.constraint.size(x, answer.x).tolist() == [1.0]


def test_no_more_words_are_respelt_than_allowed() -> None:
    app = ruled(lambda text: int("paid" in text or "bill" in text))
    question = dealt(weak(), "harmful-passes-edits").question.take(np.arange(1))
    x = texts(["the bill was paid"])
    for most, ending in ((1, Ending.SURVIVED), (2, Ending.BROKEN)):
        one = replace(question, x=x, constraint=EditConstraint(most_words=most, max_chars=100))
        answer, _ = attacked(CharacterEdits(), app, one, queries=200)
        assert answer.endings.tolist() == [ending]


def test_a_text_without_words_is_left_alone() -> None:
    app = ruled(lambda text: 1)
    question = dealt(weak(), "harmful-passes-edits").question.take(np.arange(1))
    answer, access = attacked(
        CharacterEdits(), app, replace(question, x=texts(["12 34"])), queries=10
    )
    assert answer.x.tolist() == ["12 34"]
    assert access.spent.queries == 0
