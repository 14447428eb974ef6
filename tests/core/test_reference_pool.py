"""What reference models are trained on: as close to the target's training set as can be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from goalkeeper.core.application import Trainer
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.reference import EachTime, ReferencePool, TrainingSets
from tests.training.test_kept import application

ASKED, OWN = 60, 500


class Watched(EachTime):
    """Keep what is trained."""

    def confidences(
        self, trainer: Trainer, chunks: Sequence[TrainingSets], asked: int
    ) -> list[Floats]:
        """Train nothing."""
        SEEN.extend(chunks)
        return [np.full((len(sets.masks), asked, 2), 0.5) for sets in chunks]


SEEN: list[TrainingSets] = []


def records(n: int, start: int) -> Data:
    x = np.arange(start, start + n, dtype=float)[:, None] * np.ones(3)
    return Data(x=x, y=np.zeros(n, dtype=np.int64))


def trained_on(size: int, *, trained: bool, own: int = OWN) -> list[TrainingSets]:
    SEEN.clear()
    trainer = application().trainer
    assert trainer is not None
    pool = ReferencePool(
        trainer=trainer,
        trainings=Watched(classes=2, memory=1 << 20),
        asked=records(ASKED, 0),
        own=records(own, 1000),
        size=size,
        trained=trained,
        stream=np.random.SeedSequence(3),
        count=lambda _: None,
    )
    [stage] = pool.grow(8)
    assert (stage.member.sum(axis=0) == 4).all()
    return list(SEEN)


def test_known_training_records_are_in_every_model() -> None:
    for sets in trained_on(size=530, trained=True):
        assert sets.masks[:, ASKED:].all()
        assert (sets.masks[:, :ASKED].sum(axis=1) == ASKED // 2).all()
        assert len(sets.data) == ASKED + OWN


@pytest.mark.parametrize(("size", "of_each"), [(100, 100), (30, 30), (10, 30), (1000, 280)])
def test_models_are_as_large_as_the_target_where_other_data_suffice(
    size: int, of_each: int
) -> None:
    """Not smaller than half of the question, and not larger than half of all there is."""
    for sets in trained_on(size, trained=False):
        assert (sets.masks.sum(axis=1) == of_each).all()


def test_the_attackers_own_records_are_a_random_part_of_them() -> None:
    [first, *others] = trained_on(100, trained=False)
    own = first.data.x[ASKED:, 0]
    assert len(np.unique(own)) == 140
    assert own.max() > 1400
    assert all(np.array_equal(first.data.x, sets.data.x) for sets in others)
