"""The application files in examples/ on the real data, where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import check, load

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("GOALKEEPER_DATA") or ROOT.parent / "shared" / "data")
# The file each example needs, and an accuracy that it must pass: those measured were 97.3 %,
# 97.8 %, 97.3 %, 98.4 %, 86.2 %, 62.6 % and 93.7 %.
FILES = {
    "sms-spam-tfidf": ("sms_spam.parquet", 0.96),
    "sms-spam-bayes": ("sms_spam.parquet", 0.96),
    "spamassassin-tfidf": ("spamassassin.parquet", 0.96),
    "enron-spam": ("enron_spam.parquet", 0.97),
    "adult-credit": ("adult.parquet", 0.84),
    "location30": ("location30.npz", 0.55),
    "mnist-digits": ("mnist.npz", 0.90),
}
BY_FUNCTION = ("enron-spam", "mnist-digits")
NETWORKS = ("location30", "mnist-digits")


def test_every_example_is_tested() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.yaml")} == set(FILES)


@pytest.mark.parametrize("name", sorted(set(FILES) - set(BY_FUNCTION)))
def test_an_example_without_its_data_says_what_to_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOALKEEPER_DATA", raising=False)
    (problem,) = check(ROOT / "examples" / f"{name}.yaml")
    assert isinstance(problem, DescriptionError)
    assert problem.key == "data.file"
    assert "export GOALKEEPER_DATA=" in problem.advice


@pytest.mark.parametrize("name", FILES)
def test_an_example_loads_and_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, least = FILES[name]
    if not (DATA / file).is_file():
        pytest.skip(f"{file} is not at hand; set GOALKEEPER_DATA to the folder it is in")
    if name in NETWORKS:
        pytest.importorskip("torch")
    monkeypatch.setenv("GOALKEEPER_DATA", str(DATA))
    app = load(ROOT / "examples" / f"{name}.yaml")
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > least
