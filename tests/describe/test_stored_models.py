"""A stored model is opened only when it is the one that the user trusts."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import load
from tests.describe.test_bad_data import split_app
from tests.describe.writing import TABLE, mail_lines, table_lines, write_table_app


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def stored_app(folder: Path, model: Path, *, trust: bool = True, digest: str = "") -> Path:
    """Write an application file on a stored text model."""
    lines = mail_lines(400)
    path = split_app(folder, lines[:200], [lines[0], *lines[200:]])
    digest = digest or hashlib.sha256(model.read_bytes()).hexdigest()
    said = f"  trust: true\n  sha256: {digest}\n" if trust else ""
    text = path.read_text(encoding="utf-8")
    text = text.replace("  build: filter.py:build\n", f"  file: {model.name}\n{said}")
    path.write_text(text, encoding="utf-8")
    return path


def trained(folder: Path) -> Path:
    """Store a text model trained on class names."""
    lines = [line.split(",") for line in mail_lines(400)[1:200]]
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    model.fit([text for text, *_ in lines], [label for _, label, *_ in lines])
    joblib.dump(model, folder / "model.joblib")
    return folder / "model.joblib"


def test_a_trusted_model_answers_and_can_be_trained_anew(tmp_path: Path) -> None:
    app = load(stored_app(tmp_path, trained(tmp_path)))
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.95
    assert app.target.artefact() == tmp_path / "model.joblib"
    assert app.trainer is not None
    again = app.trainer.fit(app.data.train, 0)
    assert (again.answer(app.data.holdout.x, View.LABELS).labels == labels).all()
    assert "model.joblib" in app.hashes


def test_an_untrusted_file_is_not_opened(tmp_path: Path) -> None:
    bomb = tmp_path / "model.pkl"
    bomb.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    digest = hashlib.sha256(bomb.read_bytes()).hexdigest()
    with pytest.raises(DescriptionError, match=f"sha256: {digest}") as raised:
        load(stored_app(tmp_path, bomb, trust=False))
    assert "runs whatever code" in str(raised.value)
    assert "trust: true" in raised.value.advice
    with pytest.raises(DescriptionError, match="not the one that you trusted"):
        load(stored_app(tmp_path, bomb, digest="0" * 64))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("content", [b"text", b"\x80\x04broken", b"x\x9cbroken"])
def test_a_file_that_is_no_pickle(content: bytes, tmp_path: Path) -> None:
    model = tmp_path / "model.pkl"
    model.write_bytes(content)
    with pytest.raises(DescriptionError, match=r"model\.file: model\.pkl (is not a|cannot be)"):
        load(stored_app(tmp_path, model))


def test_a_pickle_that_is_no_model(tmp_path: Path) -> None:
    model = tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DescriptionError, match=r"dict has no predict\(\)"):
        load(stored_app(tmp_path, model))


def test_a_model_of_a_data_frame_gets_one(tmp_path: Path) -> None:
    path = write_table_app(tmp_path)
    frame = pd.read_csv(tmp_path / "table.csv").drop(columns="job")
    frame["split"] = np.where(np.arange(len(frame)) % 2, "train", "test")
    frame.to_csv(tmp_path / "table.csv", index=False)
    known = frame[frame.split == "train"]
    model = LogisticRegression().fit(known[["age", "income"]], known["label"])
    joblib.dump(model, tmp_path / "model.joblib")
    digest = hashlib.sha256((tmp_path / "model.joblib").read_bytes()).hexdigest()
    text = TABLE.replace("  label: label", "  label: label\n  part: split")
    stored = f"  file: model.joblib\n  trust: true\n  sha256: {digest}"
    path.write_text(text.replace("  build: filter.py:build", stored), encoding="utf-8")
    app = load(path)
    assert isinstance(app.domain, TableDomain)
    assert app.domain.named
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.9
    assert len(table_lines()) > 200
