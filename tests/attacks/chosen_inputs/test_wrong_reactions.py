"""Wrong reactions: the search finds what the first misjudged input of every slot is."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.chosen_inputs.wrong_reactions import WrongReactions
from goalkeeper.core.data import Data
from goalkeeper.core.errors import NotGranted
from goalkeeper.core.power import View
from goalkeeper.games.chosen_inputs import InputPool
from tests.wired_mail import door, mail

SLOTS = 40


def pool(data: Data, slots: int) -> InputPool:
    size = len(data) // slots
    kept = data.take(np.arange(slots * size))
    return InputPool(x=kept.x, y=kept.y, slots=slots, size=size)


@pytest.mark.requirement("S25")
def test_the_first_misjudged_input_of_every_slot_is_found_and_no_more_is_asked() -> None:
    app = mail(careless=0.3)
    question = pool(app.data.holdout, SLOTS)
    wrong = app.target.answer(question.x, View.LABELS).labels != question.y
    by_slot = wrong.reshape(SLOTS, question.size)
    first = np.where(by_slot.any(axis=1), by_slot.argmax(axis=1), 0)
    access = door(app=app, transit=False, queries=1000)
    chosen = WrongReactions().run(question, access)
    assert chosen.tolist() == (np.arange(SLOTS) * question.size + first).tolist()
    asked = np.where(by_slot.any(axis=1), first + 1, question.size).sum()
    assert access.spent.queries == asked
    assert access.checkpoints[0].queries.tolist() == [SLOTS]


def test_it_stops_where_its_budget_ends() -> None:
    app = mail(careless=0.3)
    question = pool(app.data.holdout, SLOTS)
    access = door(app=app, transit=False, queries=50)
    WrongReactions().run(question, access)
    assert access.spent.queries == 50


def test_a_model_without_mistakes_gives_nothing() -> None:
    app = mail()
    question = pool(app.data.holdout, SLOTS)
    access = door(app=app, transit=False, queries=1000)
    assert WrongReactions().run(question, access).tolist() == question.rows(0).tolist()
    assert access.spent.queries == SLOTS * question.size


def test_needs_to_ask() -> None:
    with pytest.raises(NotGranted, match="M2"):
        WrongReactions().run(pool(mail().data.holdout, SLOTS), door(queries=100))
