"""A victim that raises errors after a contribution: each costs the inputs concerned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Inputs
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.games.poisoning.retraining import RetrainedVictims
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.training.one_by_one import SeparateModels


@dataclass(frozen=True)
class Encoder(BareTarget):
    """Answers 1, and raises an error at categories that it was not trained on."""

    known: frozenset[int]

    def answer(self, x: Inputs, view: View) -> Answers:
        unknown = set(np.asarray(x).ravel().tolist()) - self.known
        if unknown:
            raise TargetError(f"unknown categories {sorted(unknown)}")
        return Answers(np.ones(len(x), dtype=np.int64))


def victims(*known: frozenset[int]) -> RetrainedVictims:
    ensembles = tuple(SeparateModels([Encoder(k), Encoder(k | {7})]) for k in known)
    return RetrainedVictims(ensembles=ensembles, retrainings=2)


@pytest.mark.requirement("S12")
def test_an_error_costs_the_inputs_that_it_is_raised_at() -> None:
    """Deleting category 2 from the data, and nothing else, makes the model fail on it."""
    every = frozenset(range(5))
    x = np.array([[0], [2], [1], [7], [2], [4]], dtype=float)
    labels = victims(every, every - {2}, every).labels(x)
    no = -1
    assert labels[0].tolist() == [[1, 1, 1, no, 1, 1], [1] * 6]
    assert labels[1].tolist() == [[1, no, 1, no, no, 1], [1, no, 1, 1, no, 1]]
    assert (labels[2] == labels[0]).all()


def test_a_model_that_answers_nothing_without_poison_is_an_error() -> None:
    none = frozenset[int]()
    with pytest.raises(TargetError, match="unknown categories"):
        victims(none, none, none).labels_beside_clean(np.array([[1.0], [2.0]]))


def test_a_poisoned_model_that_answers_nothing_is_damage() -> None:
    every, none = frozenset(range(5)), frozenset[int]()
    labels = victims(every, none).labels_beside_clean(np.array([[1.0], [2.0]]))
    assert labels.tolist() == [[[1, 1], [1, 1]], [[-1, -1], [-1, -1]]]
