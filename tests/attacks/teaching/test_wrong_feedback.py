"""What teachers say: wrong classes of real records, in batches that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goalkeeper.attacks.teaching._wrong_feedback import (
    choose_wrong_feedback,
    cut_batches,
    front_load,
    spread_evenly,
)
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application, Feedback
from goalkeeper.core.data import Data
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.teaching import FeedbackChannel
from goalkeeper.testing.worlds import teaching


def rigged(domain: str = "table") -> Application:
    return teaching.rigged(domain, np.random.default_rng(0))


def door(app: Application, **more: Any) -> Access:
    given = {"capabilities": Capability.M4 | Capability.M2, "view": View.LABELS, **more}
    granted = Power(
        knowledge=Knowledge(data=Grade.PARTIAL), budget=Budget(queries=1e4, share=0.1), **given
    )
    seed = np.random.SeedSequence(1)
    return Access(app, Terms(granted=granted, rng=np.random.default_rng(0), victim=seed))


def channel(app: Application, task: str = "taught-wrong") -> FeedbackChannel:
    assert app.feedback
    return FeedbackChannel(task=task, rows=len(app.data.train), loop=app.feedback)


@pytest.mark.parametrize(("total", "rounds", "each"), [(23, 10, 9), (3, 10, 9), (0, 4, 1)])
def test_batches_add_up(total: int, rounds: int, each: int) -> None:
    sizes = spread_evenly(total, rounds, each)
    assert len(sizes) == rounds
    assert sum(sizes) == total
    assert max(sizes) - min(sizes) <= 1


def test_at_once_fills_the_first_rounds() -> None:
    assert front_load(23, 5, 9) == [9, 9, 5, 0, 0]
    assert front_load(90, 3, 9) == [9, 9, 9]


@pytest.mark.parametrize(("task", "about"), [("taught-wrong", 1), ("taught-to-decline", 0)])
def test_every_claim_is_wrong_and_about_the_right_side(task: str, about: int) -> None:
    app = rigged()
    own, labels = choose_wrong_feedback(channel(app, task), door(app), app.data.similar)
    assert (own.y == about).all()
    assert (labels == 1 - about).all()
    assert len(own) == (app.data.similar.y == about).sum()


def test_without_a_harmless_class_every_record_is_called_the_most_frequent_other() -> None:
    from dataclasses import replace

    app = replace(rigged(), harmless=None, classes=("a", "b", "c"))
    data = Data(x=np.zeros((6, 4)), y=np.array([0, 0, 0, 1, 1, 2]))
    own, labels = choose_wrong_feedback(channel(app), door(app), data)
    assert len(own) == 6
    assert (labels == np.where(own.y == 0, 1, 0)).all()


def test_a_course_cuts_in_order_and_says_nothing_once_records_are_spent() -> None:
    data = Data(x=np.arange(5.0)[:, None], y=np.zeros(5, dtype=np.int64))
    batches = cut_batches(data, 1 - data.y, [2, 2, 2, 2])
    assert [len(batch) for batch in batches] == [2, 2, 1, 0]
    assert np.concatenate([batch.x for batch in batches])[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_the_question_counts_what_may_be_given() -> None:
    asked = FeedbackChannel(task="", rows=300, loop=Feedback(share=0.05, rounds=4))
    assert (asked.each, asked.most(0.1), asked.most(1.0)) == (15, 33, 60)
