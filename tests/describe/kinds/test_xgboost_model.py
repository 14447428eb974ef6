"""A stored XGBoost model: told by its content, loaded without pickle, and answering as XGBoost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.errors import DescriptionError, NotOffered
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.describe.kinds import ModelFile
from goalkeeper.describe.kinds.xgboost_model import XGBoostModel
from tests.describe.writing import TABLE

xgboost = pytest.importorskip("xgboost")
COLUMNS = ["age", "income", "debt"]


def table(classes: Sequence[str], n: int = 600) -> pd.DataFrame:
    """Draw records whose class is the third of `income` in which they lie."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=COLUMNS)
    place = np.searchsorted(np.linspace(-0.5, 0.5, len(classes) - 1), frame["income"])
    noisy = np.where(rng.random(n) < 0.1, rng.integers(0, len(classes), n), place)
    frame["label"] = np.asarray(classes)[noisy]
    return frame


def described(folder: Path, model: str, classes: Sequence[str] = ("no", "yes")) -> Path:
    """Write a table application whose model is a file; returns the application file."""
    frame = table(classes)
    frame[:300].to_csv(folder / "train.csv", index=False)
    frame[300:].to_csv(folder / "test.csv", index=False)
    text = TABLE.replace("[no, yes]", f"[{', '.join(classes)}]")
    text = text.replace("  file: table.csv\n", "  train: train.csv\n  test: test.csv\n")
    path = folder / "app.yaml"
    path.write_text(text.replace("build: filter.py:build", model), encoding="utf-8")
    return path


def trained(classes: Sequence[str] = ("no", "yes"), *, names: bool = True, **settings: Any) -> Any:
    """Train a classifier on the training records, with or without names of columns."""
    frame = table(classes)[:300]
    y = frame["label"].map(list(classes).index).to_numpy()
    x = frame[COLUMNS] if names else frame[COLUMNS].to_numpy()
    return xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1, **settings).fit(x, y)


def scores_of(app: Application) -> Any:
    return app.target.answer(app.data.holdout.x, View.SCORES).scores


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("suffix", ["json", "ubj"])
@pytest.mark.parametrize("classes", [("no", "yes"), ("low", "middle", "high")])
def test_it_answers_as_xgboost_does(
    classes: tuple[str, ...], suffix: str, *, names: bool, tmp_path: Path
) -> None:
    model = trained(classes, names=names)
    model.save_model(tmp_path / f"m.{suffix}")
    (tmp_path / f"m.{suffix}").rename(tmp_path / "model.pkl")  # the suffix decides nothing
    path = described(tmp_path, "file: model.pkl", classes)
    assert check(path) == ()
    app = load(path)
    assert app.target.offers is View.SCORES
    x = app.data.holdout.x
    np.testing.assert_allclose(scores_of(app), model.predict_proba(x), atol=1e-6)
    labels = app.target.answer(x, View.LABELS).labels
    np.testing.assert_array_equal(labels, model.predict(x))
    assert (labels == app.data.holdout.y).mean() > 0.8
    assert app.trainer is None
    assert app.target.artefact() == tmp_path / "model.pkl"
    assert "model.pkl" in app.hashes
    assert any("cannot be tested" in caveat for caveat in app.caveats)


def test_the_stored_file_runs_no_code_and_loads_again(tmp_path: Path) -> None:
    trained().save_model(tmp_path / "m.json")
    app = load(described(tmp_path, "file: m.json\n  integrity: sha256"))
    storage = app.storage
    assert storage is not None
    assert not storage.runs_code
    copy = tmp_path / "copy.json"
    copy.write_bytes(storage.read())
    assert storage.check(copy)
    again = storage.load(copy).answer(app.data.holdout.x, View.SCORES).scores
    np.testing.assert_array_equal(again, scores_of(app))
    copy.write_bytes(storage.read() + b" ")
    assert not storage.check(copy)
    with pytest.raises(NotOffered, match="cannot be stored in the format"):
        storage.save(app.target)


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    frame = table(["no", "yes"])[:300]
    other = ["debt", "age", "income"]
    model = xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1)
    model.fit(frame[other], frame["label"].eq("yes").astype(int))
    model.save_model(tmp_path / "m.json")
    app = load(described(tmp_path, "file: m.json"))
    x = pd.DataFrame(app.data.holdout.x, columns=COLUMNS)
    np.testing.assert_allclose(scores_of(app), model.predict_proba(x[other]), atol=1e-6)


def test_the_best_rounds_answer_where_training_was_stopped(tmp_path: Path) -> None:
    frame = table(["no", "yes"])
    x, y = frame[COLUMNS], frame["label"].eq("yes").astype(int)
    model = xgboost.XGBClassifier(n_estimators=200, n_jobs=1, early_stopping_rounds=3)
    model.fit(x[:300], y[:300], eval_set=[(x[300:], y[300:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    model.save_model(tmp_path / "m.ubj")
    app = load(described(tmp_path, "file: m.ubj"))
    rows = pd.DataFrame(app.data.holdout.x, columns=COLUMNS)
    np.testing.assert_allclose(scores_of(app), model.predict_proba(rows), atol=1e-6)
    assert any("stopped early" in caveat for caveat in app.caveats)


def test_a_hinge_loss_gives_labels_only(tmp_path: Path) -> None:
    model = trained(objective="binary:hinge")
    model.save_model(tmp_path / "m.json")
    app = load(described(tmp_path, "file: m.json"))
    assert app.target.offers is View.LABELS
    x = pd.DataFrame(app.data.holdout.x, columns=COLUMNS)
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    np.testing.assert_array_equal(labels, model.predict(x))


def test_the_classes_must_be_those_of_the_model(tmp_path: Path) -> None:
    trained(("low", "middle", "high")).save_model(tmp_path / "m.json")
    says = r"m\.json knows 3 classes \(multi:softprob\), but the application lists 2: no, yes"
    with pytest.raises(DescriptionError, match=says) as raised:
        load(described(tmp_path, "file: m.json"))
    assert raised.value.key == "model.file"
    assert "in the order of their numbers" in raised.value.advice


def test_another_hash_is_refused(tmp_path: Path) -> None:
    trained().save_model(tmp_path / "m.json")
    digest = hashlib.sha256((tmp_path / "m.json").read_bytes()).hexdigest()
    assert check(described(tmp_path, f"file: m.json\n  sha256: {digest}")) == ()
    found = check(described(tmp_path, f"file: m.json\n  sha256: {'0' * 64}"))
    assert "not the one that you trusted" in str(found[0])


def refused(folder: Path, said: str, data: str = "") -> None:
    path = described(folder, "file: m.json")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  label: label\n", f"  label: label\n{data}"), encoding="utf-8")
    with pytest.raises(DescriptionError, match=said) as raised:
        load(path)
    assert raised.value.key == "model.file"


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    trained().save_model(tmp_path / "m.json")
    refused(tmp_path, r"other columns \(age, income, debt\) than", "  drop: [debt]\n")
    trained(names=False).save_model(tmp_path / "m.json")
    refused(tmp_path, r"\(3 columns without names\) than", "  drop: [debt]\n")
    content = (tmp_path / "m.json").read_bytes()
    (tmp_path / "m.json").write_bytes(content[: len(content) // 2])
    refused(tmp_path, r"XGBoost cannot read m\.json")
    frame = table(["no", "yes"])
    regressor = xgboost.XGBRegressor(n_estimators=2).fit(frame[COLUMNS], frame["income"])
    regressor.save_model(tmp_path / "m.json")
    refused(tmp_path, "trained for reg:squarederror with 1 outputs, and is not a classifier")


def test_words_are_refused(tmp_path: Path) -> None:
    trained().save_model(tmp_path / "m.json")
    path = described(tmp_path, "file: m.json")
    for name in ("train.csv", "test.csv"):
        frame = pd.read_csv(tmp_path / name)
        frame["debt"] = np.where(frame["debt"] > 0, "much", "little")
        frame.to_csv(tmp_path / name, index=False)
    with pytest.raises(DescriptionError, match="these columns hold words: debt"):
        load(path)


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b'{"learner":{"attributes":{}}}', True),
        (b'\n{\n  "learner" : {"attributes": {}}}', True),
        (b"{L\0\0\0\0\0\0\0\x07learner{", True),
        (b"{i\x07learner{", True),
        (b'{"model": {"learner": {}}}', False),
        (b'{"learner": 3}', False),
        (b'"learner":{', False),
        (json.dumps({"version": [3, 2, 0]}).encode(), False),
        (b"\x80\x04learner", False),
    ],
)
def test_it_is_told_by_its_content(content: bytes, *, known: bool, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    assert XGBoostModel().recognises(ModelFile(tmp_path / "m", "")) is known
