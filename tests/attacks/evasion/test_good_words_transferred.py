"""Words that turn a filter of one's own: exactly right where that is the target itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks._linear_text import LinearText
from goalkeeper.attacks.evasion.good_words_transferred import GoodWordsTransferred, _build_filter
from goalkeeper.core.application import Application
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.power import View
from goalkeeper.games.evasion import EvasionQuestion
from goalkeeper.training import SklearnTrainer
from tests.attacks.evasion.arena import attacked, dealt, weak


def twins() -> Application:
    """A target that learnt from the very mail that the attacker has, by the same recipe."""
    app = weak()
    trainer = SklearnTrainer(_build_filter(), app.classes, TextDomain())
    return replace(app, target=trainer.fit(app.data.similar, 0), trainer=trainer)


def question(app: Application) -> EvasionQuestion:
    return dealt(app, "harmful-passes").question


@pytest.mark.requirement("S35", "S54")
def test_what_turns_the_own_filter_turns_its_twin() -> None:
    app = twins()
    asked = question(app)
    answer, access = attacked(GoodWordsTransferred(multiples=(1.0,)), app, asked, queries=0)
    labels = app.target.answer(answer.x, View.LABELS).labels
    assert asked.goal.reached(labels).all()
    assert access.spent.queries == 0


def test_no_more_words_than_the_twin_needs() -> None:
    """One word less than the first amount, and the twin's own weights say it is not turned."""
    app = twins()
    asked = question(app)
    answer, _ = attacked(GoodWordsTransferred(multiples=(1.0,)), app, asked, queries=0)
    model = LinearText.read(app.target.parameters())
    assert isinstance(model, LinearText)
    for before, after in zip(asked.x, answer.x, strict=True):
        added = after[len(before) :].split()
        shorter = " ".join([before, *added[:-1]])
        label = app.target.answer(np.array([shorter], dtype=object), View.LABELS).labels[0]
        assert label == 1


def test_each_amount_includes_the_smaller_ones() -> None:
    asked = question(weak())
    _, access = attacked(GoodWordsTransferred(), weak(), asked, queries=0)
    lengths = np.array([[len(t) for t in c.answer.x] for c in access.checkpoints])
    assert len(lengths) == 7
    assert (np.diff(lengths, axis=0) >= 0).all()


def test_the_family_is_used_by_who_knows_it() -> None:
    """Two grants: without the algorithm, and with it."""
    from goalkeeper.core.power import Attacker, Grade
    from goalkeeper.planning import grants, needs
    from goalkeeper.policy import default_policy

    policy = default_policy()
    attack = GoodWordsTransferred()
    customer: Attacker = policy.attackers["customer"]
    found = grants(attack, customer, needs(attack, policy.variant(attack.variant)))
    assert [g.knowledge.algorithm for g in found] == [Grade.NONE, Grade.PARTIAL]
