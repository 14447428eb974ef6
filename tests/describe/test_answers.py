"""`model.answers` and `model.refusal`, and what `check` says of a model's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goalkeeper.cli.check import check
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import load
from tests.describe.writing import TABLE, table_lines, write_table_app

MODEL = """\
import numpy as np

def income(x):
    return np.asarray(x)[:, 1].astype(float)

def share(x):
    return 1 / (1 + np.exp(30 - income(x)))

def confident(x):
    return 0.5 + share(x) / 2

def declining(x):
    words = np.where(share(x) > 0.5, "yes", "no").astype(object)
    words[income(x) > 40] = None
    return words

def build():
    from sklearn.linear_model import LogisticRegression
    return LogisticRegression()
"""


def described(folder: Path, model: str) -> Path:
    text = TABLE.replace("  build: filter.py:build\n", model)
    path = write_table_app(folder, text.replace("file: table.csv", "train: a.csv\n  test: b.csv"))
    lines = table_lines()
    for name, part in (("a", lines[:120]), ("b", [lines[0], *lines[120:]])):
        (folder / f"{name}.csv").write_text("\n".join(part) + "\n", encoding="utf-8")
    (folder / "model.py").write_text(MODEL, encoding="utf-8")
    return path


def test_check_says_what_the_answers_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = described(tmp_path, "  function: model.py:share\n")
    check([path])
    wanted = "model.py:share answers with probabilities, one number an input, towards yes"
    assert wanted in capsys.readouterr().out


def test_what_is_ambiguous_is_asked_and_then_said(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"model\.answers: probabilities"):
        load(described(tmp_path, "  function: model.py:confident\n"))
    found = load(described(tmp_path, "  function: model.py:confident\n  answers: probabilities\n"))
    answers = found.target.answer(found.data.holdout.x, View.SCORES)
    assert (answers.labels == 1).mean() > 0.9
    assert answers.scores[:, 1].min() >= 0.5


def test_a_declined_answer_counts_as_the_class_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"gave no answer .* `model\.refusal: CLASS`"):
        load(described(tmp_path, "  function: model.py:declining\n"))
    found = load(described(tmp_path, "  function: model.py:declining\n  refusal: no\n"))
    x = found.data.holdout.x
    labels = found.target.answer(x, View.LABELS).labels
    income = x[:, 1].astype(float)
    assert (income > 40).any()
    np.testing.assert_array_equal(labels, (income > 30) & (income <= 40))


def test_an_estimator_takes_no_such_key(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="answers is for a torch module"):
        load(described(tmp_path, "  build: model.py:build\n  answers: labels\n"))
    with pytest.raises(DescriptionError, match="refusal is for a function that answers"):
        load(described(tmp_path, "  build: model.py:build\n  refusal: no\n"))
