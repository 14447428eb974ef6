"""Feedback flips on a real learner: what is taught is what is then answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.teaching.feedback_flips import FeedbackFlips
from goalkeeper.attacks.teaching.rollback_test import RollbackTest
from goalkeeper.core.evidence import DamageCount
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.games.teaching import Teaching
from goalkeeper.training import SklearnTrainer
from tests.attacks.teaching.test_wrong_feedback import channel, door, rigged
from tests.contract.harness import enough, task_of


def test_all_that_the_share_allows_is_said_once() -> None:
    app = rigged("text")
    batches = FeedbackFlips().run(channel(app), door(app)).batches
    said = [text for batch in batches for text in batch.x]
    assert len(said) == len(set(said)) == 33
    assert {len(batch) for batch in batches} == {8, 9}


@pytest.mark.requirement("S20")
@pytest.mark.parametrize("task", ["taught-wrong", "taught-to-decline"])
def test_a_scikit_learn_model_is_taught(task: str) -> None:
    """One nearest neighbour learns by heart what it is told."""
    app = rigged()
    trainer = SklearnTrainer(KNeighborsClassifier(n_neighbors=1), app.classes, app.domain)
    app = replace(app, trainer=trainer, target=trainer.fit(app.data.train, 0))
    this = AttackRun(
        attack=FeedbackFlips(),
        game=Teaching(campaigns=5),
        task=task_of(FeedbackFlips, app, task),
        granted=enough(FeedbackFlips),
        seed=0,
    )
    result = evaluate(app, this)
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert beats_baseline(tally)
    assert [t.share for t in result.trials] == sorted({t.share for t in result.trials})


@pytest.mark.requirement("S27")
def test_the_rollback_test_speaks_first_and_then_waits() -> None:
    app = rigged()
    batches = RollbackTest().run(channel(app, "after-rollback"), door(app)).batches
    assert [len(batch) for batch in batches] == [15, 15, 3, 0]
    assert all((batch.labels != batch.bases.y).all() for batch in batches)
    assert np.unique(np.concatenate([batch.x for batch in batches]), axis=0).shape[0] == 33
