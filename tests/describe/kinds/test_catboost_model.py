"""A stored CatBoost model: told by its content, answering as CatBoost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from tests.describe.kinds.stored import (
    NUMBERS,
    accuracy,
    cut_short,
    described,
    kind_of,
    labels,
    refused,
    rows,
    scores,
    table,
    trained_on,
    without,
)

catboost = pytest.importorskip("catboost")
SETTINGS: dict[str, Any] = {"iterations": 10, "depth": 3, "thread_count": 1, "verbose": 0}
SETTINGS |= {"allow_writing_files": False, "learning_rate": 0.3}
THREE = ("low", "middle", "high")


def trained(x: Any, y: Any, **settings: Any) -> Any:
    return catboost.CatBoostClassifier(**{**SETTINGS, **settings}).fit(x, y)


@pytest.mark.parametrize("kind", ["cbm", "json"])
@pytest.mark.parametrize("classes", [("no", "yes"), ("yes", "no"), THREE])
def test_it_answers_as_catboost_does(classes: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    frame = table(classes)[:300]
    model = trained(frame[NUMBERS], frame["label"])  # which sorts the names of its classes
    model.save_model(tmp_path / "model.pkl", format=kind)
    path = described(tmp_path, "file: model.pkl", classes)
    assert check(path) == ()
    app = load(path)
    expected = model.predict(rows(app)).reshape(-1)
    assert [classes[i] for i in labels(app)] == list(expected)
    order = [list(model.classes_).index(c) for c in classes]
    np.testing.assert_allclose(scores(app), model.predict_proba(rows(app))[:, order], atol=1e-6)
    assert accuracy(app) > 0.8
    assert app.target.offers is View.SCORES
    assert app.trainer is None
    assert app.target.artefact() == tmp_path / "model.pkl"


def test_numbers_are_classes_by_their_order(tmp_path: Path) -> None:
    x, y = trained_on(table(), ("no", "yes"))
    model = trained(x.to_numpy(), y)
    model.save_model(tmp_path / "m.cbm")
    app = load(described(tmp_path, "file: m.cbm"))
    np.testing.assert_array_equal(labels(app), model.predict(app.data.holdout.x))


@pytest.mark.parametrize("order", [["job", *NUMBERS], [*NUMBERS, "job"]])
def test_categories_are_words(order: list[str], tmp_path: Path) -> None:
    x, y = trained_on(table(words=True), ("no", "yes"))
    model = trained(x[order], y, cat_features=["job"], iterations=40)
    model.save_model(tmp_path / "m.cbm")
    app = load(described(tmp_path, "file: m.cbm", words=True))
    np.testing.assert_array_equal(labels(app), model.predict(rows(app)[order]))
    assert accuracy(app) > 0.8


def test_a_threshold_of_ones_own_decides(tmp_path: Path) -> None:
    x, y = trained_on(table(), ("no", "yes"))
    model = trained(x, y)
    model.set_probability_threshold(0.9)
    model.save_model(tmp_path / "m.cbm")
    app = load(described(tmp_path, "file: m.cbm"))
    expected = model.predict(rows(app))
    assert (expected != scores(app).argmax(axis=1)).any()
    np.testing.assert_array_equal(labels(app), expected)


def test_the_stored_file_loads_again(tmp_path: Path) -> None:
    trained(*trained_on(table(), ("no", "yes"))).save_model(tmp_path / "m.cbm")
    app = load(described(tmp_path, "file: m.cbm"))
    assert app.storage is not None
    again = app.storage.load(tmp_path / "m.cbm").answer(app.data.holdout.x, View.SCORES).scores
    np.testing.assert_array_equal(again, scores(app))


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    frame = table(THREE)[:300]
    trained(frame[NUMBERS], frame["label"]).save_model(tmp_path / "m.cbm")
    path = described(tmp_path, "file: m.cbm")
    refused(path, "answers with the class 'high', but the application's classes are")
    two = table()[:300]
    trained(two[NUMBERS], two["label"]).save_model(tmp_path / "m.cbm")
    refused(described(tmp_path, "file: m.cbm", ("no", "yes", "maybe")), "lists .*maybe")
    refused(described(tmp_path, "file: m.cbm", data="  drop: [debt]\n"), "other columns")
    regressor = catboost.CatBoostRegressor(**SETTINGS).fit(two[NUMBERS], two["income"])
    regressor.save_model(tmp_path / "m.cbm")
    refused(described(tmp_path, "file: m.cbm"), "trained for RMSE, and is not a classifier")


@pytest.mark.parametrize("kind", ["cbm", "json"])
def test_a_file_that_was_cut_short_is_named(kind: str, tmp_path: Path) -> None:
    model = trained(*trained_on(table(), ("no", "yes")))
    model.save_model(tmp_path / "m.cbm", format=kind)
    cut_short(tmp_path / "m.cbm")
    refused(described(tmp_path, "file: m.cbm"), r"CatBoost cannot read m\.cbm")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(*trained_on(table(), ("no", "yes"))).save_model(tmp_path / "m.cbm")
    path = described(tmp_path, "file: m.cbm")
    without(monkeypatch, "catboost", "_catboost")
    with pytest.raises(Exception, match=r"pip install 'goalkeeper\[boosting\]'"):
        load(path)


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"CBM1\x10\x1c", True),
        (b'{\n  "ctr_data":\n {', True),
        (b'{"features_info": {}}', True),
        (b'{"learner": {"attributes": {}}}', False),
        (b"CBM", False),
    ],
)
def test_it_is_told_by_its_content(content: bytes, *, known: bool, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    assert (kind_of(tmp_path / "m") == ["catboost_model"]) is known
