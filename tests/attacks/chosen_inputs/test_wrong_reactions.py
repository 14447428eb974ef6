"""Wrong reactions: what is learned from some inputs decides which of others are chosen."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.chosen_inputs.wrong_reactions import WrongReactions
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.errors import NotGranted
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.chosen_inputs import InputPool
from goalkeeper.games.chosen_inputs.erring import let_err
from tests.games.reacting import wired_mail

SLOTS = 20


def pool(data: Data) -> InputPool:
    half = len(data) // 2
    size = half // SLOTS
    kept = data.take(np.arange(SLOTS * size))
    return InputPool(
        x=kept.x, y=kept.y, slots=SLOTS, size=size, practice=data.take(np.arange(half, len(data)))
    )


def door(app: Application, queries: float = 1000, cells: Capability = Capability.M2) -> Access:
    power = Power(capabilities=cells, view=View.LABELS, budget=Budget(queries=queries))
    terms = Terms(
        granted=power,
        rng=np.random.default_rng(1),
        victim=np.random.SeedSequence(2),
        campaigns=SLOTS + 1,
    )
    return Access(app, terms)


@pytest.mark.requirement("S25")
@pytest.mark.parametrize("kind", ["table", "image"])
def test_inputs_like_those_that_went_wrong_are_chosen(kind: str) -> None:
    app = let_err(wired_mail(kind=kind), np.random.default_rng(0))
    question, access = pool(app.data.holdout), door(app)
    chosen = WrongReactions().run(question, access)
    assert (chosen // question.size).tolist() == list(range(SLOTS))
    wrong = app.target.answer(question.x, View.LABELS).labels != question.y
    assert wrong[chosen].mean() > wrong.mean() + 0.3


def test_only_inputs_to_learn_from_are_asked() -> None:
    app = wired_mail(careless=0.3)
    question, access = pool(app.data.holdout), door(app)
    WrongReactions().run(question, access)
    assert access.left().tolist() == [1000] * SLOTS + [1000 - len(question.practice)]
    assert access.spent.queries == len(question.practice)
    assert len(access.checkpoints) == 3


def test_it_stops_where_its_budget_ends() -> None:
    app = wired_mail(careless=0.3)
    access = door(app, queries=50)
    WrongReactions().run(pool(app.data.holdout), access)
    assert access.spent.queries == 50


def test_texts_without_a_word_are_no_error() -> None:
    app = wired_mail(kind="text")
    data = app.data.holdout
    blank = Data(x=np.array(["?" * i for i in range(len(data))], dtype=object), y=data.y)
    question = pool(blank)
    answers = app.target.answer
    object.__setattr__(app.target, "answer", lambda x, view: answers(data.x[: len(x)], view))
    assert len(WrongReactions().run(question, door(app))) == SLOTS


def test_needs_to_ask() -> None:
    app = wired_mail()
    with pytest.raises(NotGranted, match="M2"):
        WrongReactions().run(pool(app.data.holdout), door(app, cells=Capability.O))
