"""Rows that turn a model of one's own: right where that is the target itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from goalkeeper.attacks.evasion.columns_transferred import ColumnsTransferred, measure_lead
from goalkeeper.core.application import Application
from goalkeeper.core.power import View
from goalkeeper.testing.worlds.evasion import weak_rows
from goalkeeper.training import SklearnTrainer
from tests.attacks.evasion.arena import GAME, attacked, dealt


def twins() -> Application:
    """A target that learnt from the very rows that the attacker has, by the same recipe."""
    app = weak_rows(np.random.default_rng(0))
    trainer = SklearnTrainer(LogisticRegression(max_iter=1000), app.classes, app.domain)
    return replace(app, target=trainer.fit(app.data.similar, 0), trainer=trainer)


def test_what_turns_the_own_model_turns_its_twin_without_a_query() -> None:
    app = twins()
    task = GAME.tasks(app)[0].name
    asked = dealt(app, task).question
    answer, access = attacked(ColumnsTransferred(), app, asked, queries=0)
    lead = [
        measure_lead(app.target, row[None], wanted)[0]
        for row, wanted in zip(np.asarray(answer.x), asked.goal.wanted, strict=True)
    ]
    labels = app.target.answer(answer.x, View.LABELS).labels
    assert asked.goal.reached(labels).mean() > 0.95
    assert (np.array(lead) > 0).mean() > 0.95
    assert access.spent.queries == 0
    assert asked.constraint.allows(np.asarray(asked.x), np.asarray(answer.x)).all()
