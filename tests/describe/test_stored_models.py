"""A stored model is opened by the reader that checks it, and only what is harmless is made."""

from __future__ import annotations

import hashlib
import importlib
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


@pytest.mark.parametrize("trust", [True, False])
def test_trust_and_hash_never_open_the_door(tmp_path: Path, *, trust: bool) -> None:
    bomb = tmp_path / "model.pkl"
    bomb.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(DescriptionError, match=r"pathlib\.Path\.touch"):
        load(stored_app(tmp_path, bomb, trust=trust))
    with pytest.raises(DescriptionError, match="not the one that you trusted"):
        load(stored_app(tmp_path, bomb, digest="0" * 64))
    assert not (tmp_path / "exploded").exists()


def test_a_harmless_file_needs_no_trust(tmp_path: Path) -> None:
    app = load(stored_app(tmp_path, trained(tmp_path), trust=False))
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.95


OWN = """\
from sklearn.base import BaseEstimator, TransformerMixin

class Shorter(TransformerMixin, BaseEstimator):
    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return [text[:500] for text in x]
"""


def test_a_class_of_the_users_own_is_found_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(OWN)
    model = joblib.load(trained(tmp_path))
    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(tmp_path))
        own = importlib.import_module(name)
    joblib.dump(make_pipeline(own.Shorter(), *model), tmp_path / "model.joblib")
    path = stored_app(tmp_path, tmp_path / "model.joblib", trust=False)
    line = f"trust_names: [{name}.Shorter]"
    with pytest.raises(DescriptionError, match=rf"{name}\.Shorter") as raised:
        load(path)
    assert line in raised.value.advice
    text = path.read_text(encoding="utf-8")
    file = "  file: model.joblib\n"
    path.write_text(text.replace(file, f"{file}  {line}\n"), encoding="utf-8")
    app = load(path)
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.95
    assert f"{name}.py" in app.hashes


def test_a_class_of_a_notebook_must_move_to_a_module(tmp_path: Path) -> None:
    model = tmp_path / "model.pkl"
    content = b"\x80\x04\x8c\x08__main__\x8c\x05Ratio\x93)\x81."
    model.write_bytes(content)
    with pytest.raises(DescriptionError, match="Ratio") as raised:
        load(stored_app(tmp_path, model))
    for word in ("notebook or script", "move it to a module", "trust_names: [our_features.Ratio]"):
        assert word in raised.value.advice


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("xgboost", "needs a DMatrix"),
        ("lightgbm", "probabilities of class 1"),
        ("catboost", "margins"),
    ],
)
def test_a_booster_is_no_classifier(kind: str, says: str, tmp_path: Path) -> None:
    package = pytest.importorskip(kind)
    x, y = np.random.default_rng(0).random((40, 2)), np.arange(40) % 2
    quiet = {"verbose": -1} if kind == "lightgbm" else {}
    if kind == "catboost":
        booster = package.CatBoost({"iterations": 2, "verbose": 0, "allow_writing_files": False})
        booster.fit(x, y)
    else:
        data = package.DMatrix(x, y) if kind == "xgboost" else package.Dataset(x, y, params=quiet)
        booster = package.train(quiet, data, 2)
    model = tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps(booster))
    with pytest.raises(DescriptionError, match=says) as raised:
        load(stored_app(tmp_path, model))
    assert "model.function" in raised.value.advice


@pytest.mark.parametrize("content", [b"text", b"\x80\x04broken", b"x\x9cbroken"])
def test_a_file_that_is_no_pickle(content: bytes, tmp_path: Path) -> None:
    model = tmp_path / "model.pkl"
    model.write_bytes(content)
    with pytest.raises(DescriptionError, match=r"model\.file: model\.pkl (is not a|cannot be)"):
        load(stored_app(tmp_path, model))


def test_a_pickle_that_is_no_model(tmp_path: Path) -> None:
    model = tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DescriptionError, match=r"holds a dict, and no model alone: a \(a int\)"):
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
