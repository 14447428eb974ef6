"""The check before anything is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.application import Answers
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import PythonTarget, preflight

TABLE = TableDomain(columns=(Column(name="a"), Column(name="b")))
X = np.random.default_rng(0).normal(size=(50, 2))


def told(function: Callable[[Any], Any]) -> tuple[str, ...]:
    return preflight(PythonTarget(function, ("no", "yes"), TABLE, sample=X[:2]), X)


def spread(p: Any) -> Any:
    return np.stack([1 - p, p], axis=1)


def test_a_sound_model_has_no_caveats() -> None:
    assert told(lambda x: (x[:, 0] > 0).astype(int)) == ()
    assert told(lambda x: spread(1 / (1 + np.exp(-x[:, 0])))) == ()


def test_random_answers() -> None:
    rng = np.random.default_rng(0)
    caveats = told(lambda x: rng.integers(0, 2, len(x)))
    assert "not deterministic" in caveats[0]
    assert "asked the same twice" in caveats[0]
    assert len(caveats) == 1  # and not that they depend on the batch
    scores = told(lambda x: spread(rng.random(len(x)) * 0.4))
    assert "scores moved by up to" in scores[0]


def test_answers_that_depend_on_the_batch() -> None:
    caveats = told(lambda x: (x[:, 0] >= x[:, 0].mean()).astype(int))
    assert len(caveats) == 1
    assert "when asked alone and in a batch" in caveats[0]


def test_constant_answers() -> None:
    caveats = told(lambda x: np.zeros(len(x), int))
    assert caveats == ("the model gives one and the same answer to all of 50 different inputs",)
    target = PythonTarget(lambda x: np.zeros(len(x), int), ("a", "b"), TABLE, sample=X)
    assert preflight(target, np.repeat(X[:1], 50, axis=0)) == ()


def test_scores_of_any_scale_are_read_as_probabilities() -> None:
    assert told(lambda x: np.stack([x[:, 0], x[:, 1]], axis=1)) == ()
    assert told(lambda x: spread(1 / (1 + np.exp(-x[:, 0]))) * 0.9) == ()


class Raw:
    """A target of somebody else's that checks nothing."""

    offers = View.SCORES

    def __init__(self, labels: Any, scores: Any) -> None:
        self._answers = Answers(labels, scores)

    def answer(self, x: Any, view: View) -> Answers:
        del x, view
        return self._answers

    def parameters(self) -> Any:
        raise NotImplementedError

    def artefact(self) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Raw(np.zeros(50, int), np.full((50, 2), np.nan)), "NaN or infinite scores for 50"),
        (Raw(np.zeros(50, int), np.zeros((49, 2))), r"scores of shape \(49, 2\)"),
        (Raw(np.zeros(3, int), np.zeros((3, 2))), r"labels of shape \(3,\) for 50"),
    ],
)
def test_what_is_no_answer_stops(target: Raw, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        preflight(target, X)


def test_inputs_are_needed() -> None:
    target = PythonTarget(lambda x: np.zeros(len(x), int), ("a", "b"), TABLE, sample=X)
    with pytest.raises(TargetError, match="without inputs"):
        preflight(target, X[:0])


def test_answers_that_an_input_alone_does_not_get() -> None:
    def standardised(x: Any) -> Any:
        with np.errstate(invalid="ignore"):
            z = (x[:, 0] - x[:, 0].mean()) / x[:, 0].std()
        return np.stack([-z, z], axis=1)

    target = PythonTarget(standardised, ("a", "b"), TABLE, sample=X)
    with pytest.raises(TargetError, match=r"together, but not one of them alone: .* depend on the"):
        preflight(target, X)
