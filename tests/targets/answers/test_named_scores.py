"""Scores that name their class, and forms in which libraries nest answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import PythonTarget
from goalkeeper.targets.answers import AnswerReader

CLASSES = ("deny", "grant")
DENY = np.linspace(0.02, 0.98, 50)
GRANTED = DENY < 0.5
ROWS = [[d, 1 - d] for d in DENY.tolist()]
WORDS = np.where(GRANTED, "grant", "deny").tolist()

FORMS = {
    "a frame with one column": pd.DataFrame({"deny": DENY}),
    "one entry a record": [{"deny": d} for d in DENY.tolist()],
    "always the same class": [{"label": "deny", "score": d} for d in DENY.tolist()],
    "pairs": list(zip(WORDS, np.maximum(DENY, 1 - DENY).tolist(), strict=True)),
    "lists in cells": pd.Series(ROWS),
    "rows in an array of objects": np.array([*map(np.array, ROWS), None], dtype=object)[:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_scores_belong_to_the_class_that_they_name(form: Any) -> None:
    found = AnswerReader.decide(form, 50, CLASSES).read(form, 50)
    assert np.array_equal(found.labels == 1, GRANTED)
    assert np.allclose(found.scores[:, 0], DENY)


def test_one_input_alone_is_read_as_all_together() -> None:
    reader = AnswerReader.decide(FORMS["one entry a record"], 50, CLASSES)
    assert reader.read([{"deny": 0.1}], 1).scores[0, 0] == pytest.approx(0.1)


@pytest.mark.parametrize("form", [pd.DataFrame({"deny": 9 * DENY - 3}), DENY + 0j])
def test_numbers_that_say_nothing_of_the_other_class_are_an_error(form: Any) -> None:
    with pytest.raises(TargetError, match=r"called deny.*one column|complex"):
        AnswerReader.decide(form, 50, CLASSES)


def test_labels_that_another_threshold_decided_stay_as_they_are() -> None:
    strict = [{"label": "deny" if d > 0.1 else "grant", "score": 1 - d} for d in DENY.tolist()]
    reader = AnswerReader.decide(strict, 50, CLASSES)
    assert reader.offers is View.LABELS
    assert np.array_equal(reader.read(strict, 50).labels == 0, DENY > 0.1)


def test_an_answer_that_can_be_read_only_once_is_read_once() -> None:
    domain = TableDomain(columns=(Column(name="a", kind="number", low=0.0, high=1.0),))
    x = DENY[:, None]
    target = PythonTarget(lambda x: map(round, x[:, 0]), CLASSES, domain, sample=x)
    assert np.array_equal(target.answer(x, View.LABELS).labels, np.round(DENY))
