"""Python functions as targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import PythonTarget
from goalkeeper.targets.answers import Declared

TEXTS = np.array(["cash", "noon", "cash cash"], dtype=object)
TABLE = TableDomain(columns=(Column(name="size"), Column(name="age")), named=True)


def words(x: Any) -> list[str]:
    return ["spam" if "cash" in text else "ham" for text in x]


def chances(x: Any) -> Any:
    p = np.array([0.9 if "cash" in text else 0.2 for text in x])
    return np.stack([1 - p, p], axis=1)


def test_labels() -> None:
    target = PythonTarget(words, ("ham", "spam"), TextDomain(), sample=TEXTS)
    assert target.offers is View.LABELS
    np.testing.assert_array_equal(target.answer(TEXTS, View.LABELS).labels, [1, 0, 1])
    with pytest.raises(NotOffered, match="the function words gives labels, not SCORES"):
        target.answer(TEXTS, View.SCORES)
    assert len(target.answer(TEXTS[:0], View.LABELS).labels) == 0


def test_scores() -> None:
    target = PythonTarget(chances, ("ham", "spam"), TextDomain(), sample=TEXTS)
    assert target.offers is View.SCORES
    answers = target.answer(TEXTS, View.SCORES)
    np.testing.assert_array_equal(answers.labels, [1, 0, 1])
    np.testing.assert_allclose(answers.scores[:, 1], [0.9, 0.2, 0.9])


def test_named_tables_get_a_frame() -> None:
    target = PythonTarget(
        lambda frame: (frame["age"] > 40).astype(int), ("a", "b"), TABLE, sample=np.zeros((2, 2))
    )
    x = np.array([[0.0, 30.0], [0.0, 50.0]])
    np.testing.assert_array_equal(target.answer(x, View.LABELS).labels, [0, 1])


def test_nothing_inside_can_be_read(tmp_path: Path) -> None:
    target = PythonTarget(words, ("ham", "spam"), TextDomain(), sample=TEXTS)
    with pytest.raises(NotOffered, match="no parameters"):
        target.parameters()
    with pytest.raises(NotOffered, match="no stored file"):
        target.artefact()
    kept = PythonTarget(words, ("ham", "spam"), TextDomain(), sample=TEXTS, path=tmp_path)
    assert kept.artefact() == tmp_path


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: [0.7] * len(x), "either the probability of spam, .* or the confidence"),
        (lambda x: ["junk"] * len(x), "answers with the class 'junk'"),
        (lambda x: np.full((len(x), 2), np.inf), "NaN or infinite"),
        (lambda x: np.ones((len(x), 3)), r"shape \(3, 3\), but the application lists 2"),
        (lambda x: 1 / 0, "raised ZeroDivisionError"),
        (lambda x: None, r"returned None for 3 inputs"),
        (lambda x: ["ham", "spam"], r"array of shape \(2,\) for 3 inputs; return one label"),
    ],
)
def test_what_is_no_answer_is_explained_at_once(function: Any, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        PythonTarget(function, ("ham", "spam"), TextDomain(), sample=TEXTS)


def test_a_sample_is_needed() -> None:
    with pytest.raises(TargetError, match="give a sample"):
        PythonTarget(words, ("ham", "spam"), TextDomain(), sample=TEXTS[:0])


def test_errors_call_it_as_they_are_told() -> None:
    target = PythonTarget(
        words,
        ("ham", "spam"),
        TextDomain(),
        sample=TEXTS,
        declared=Declared(what="the stored trees"),
    )
    with pytest.raises(NotOffered, match="the stored trees gives labels"):
        target.answer(TEXTS, View.SCORES)


PLAIN = TableDomain(columns=(Column(name="a"), Column(name="b")))


@pytest.mark.parametrize(
    ("domain", "x"),
    [
        (PLAIN, np.ones((3, 2))),
        (TABLE, np.ones((3, 2))),
        (ImageDomain(shape=(1, 2, 2)), np.ones((3, 1, 2, 2))),
        (TextDomain(), np.array(["a", "b", "c"], dtype=object)),
    ],
    ids=["table", "frame", "images", "texts"],
)
def test_a_function_that_writes_to_its_inputs_does_not_change_ours(domain: Any, x: Any) -> None:
    def spoil(given: Any) -> Any:
        if hasattr(given, "iloc"):
            given.iloc[:, :] = 0.0
        else:
            given[:] = "" if given.dtype == object else 0.0
        return ["ham"] * len(given)

    own = x.copy()
    assert own.flags.writeable
    target = PythonTarget(spoil, ("ham", "spam"), domain, sample=x)
    target.answer(x, View.LABELS)
    assert (x == own).all()
