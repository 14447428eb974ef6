"""A stored LightGBM model: told by its content, answering as LightGBM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from tests.describe.kinds.stored import (
    JOBS,
    NUMBERS,
    accuracy,
    cut_short,
    described,
    described_images,
    kind_of,
    labels,
    refused,
    rows,
    scores,
    small_images,
    table,
    trained_on,
    without,
)

lightgbm = pytest.importorskip("lightgbm")


def trained(x: Any, y: Any, **settings: Any) -> Any:
    settings = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1, "verbose": -1, **settings}
    return lightgbm.LGBMClassifier(**settings).fit(x, y)


def stored(model: Any, folder: Path, name: str = "m.txt") -> None:
    model.booster_.save_model(folder / name)


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("classes", [("no", "yes"), ("low", "middle", "high")])
def test_it_answers_as_lightgbm_does(
    classes: tuple[str, ...], *, names: bool, tmp_path: Path
) -> None:
    x, y = trained_on(table(classes), classes)
    model = trained(x if names else x.to_numpy(), y)
    stored(model, tmp_path, "model.pkl")  # the suffix decides nothing
    path = described(tmp_path, "file: model.pkl", classes)
    assert check(path) == ()
    app = load(path)
    given = rows(app) if names else app.data.holdout.x
    np.testing.assert_allclose(scores(app), np.asarray(model.predict_proba(given)), atol=1e-12)
    np.testing.assert_array_equal(labels(app), model.predict(given))
    assert accuracy(app) > 0.8
    assert app.target.offers is View.SCORES
    assert app.trainer is None
    assert app.target.artefact() == tmp_path / "model.pkl"
    assert "model.pkl" in app.hashes


def test_one_against_the_rest(tmp_path: Path) -> None:
    classes = ("low", "middle", "high")
    x, y = trained_on(table(classes), classes)
    model = trained(x, y, objective="multiclassova")
    stored(model, tmp_path)
    app = load(described(tmp_path, "file: m.txt", classes))
    np.testing.assert_array_equal(labels(app), model.predict(rows(app)))
    np.testing.assert_allclose(scores(app).sum(axis=1), 1)


@pytest.mark.parametrize("order", [["job", *NUMBERS], [*NUMBERS, "job"]])
def test_categories_get_the_codes_of_the_file(order: list[str], tmp_path: Path) -> None:
    x, y = trained_on(table(words=True), ("no", "yes"))
    x["job"] = pd.Categorical(x["job"], categories=[*JOBS[::-1], "other"])
    model = trained(x[order], y, min_child_samples=5, n_estimators=30)
    stored(model, tmp_path)
    app = load(described(tmp_path, "file: m.txt", words=True))
    given = rows(app)[order]
    given["job"] = pd.Categorical(given["job"], categories=[*JOBS[::-1], "other"])
    np.testing.assert_array_equal(labels(app), model.predict(given))
    assert accuracy(app) > 0.8


def test_numbers_can_be_categories_and_truth_a_number(tmp_path: Path) -> None:
    x, y = trained_on(table(), ("no", "yes"))
    x["age"] = pd.Categorical(np.where(x["age"] > 0, 7, -2))
    x["debt"] = x["debt"] > 0
    model = trained(x, y)
    stored(model, tmp_path)
    path = described(tmp_path, "file: m.txt")
    for name in ("train.csv", "test.csv"):
        frame = pd.read_csv(tmp_path / name)
        frame["age"] = np.where(frame["age"] > 0, 7, -2)
        frame["debt"] = frame["debt"] > 0
        frame.to_csv(tmp_path / name, index=False)
    app = load(path)
    given = rows(app)
    given["age"] = pd.Categorical(given["age"], categories=[-2, 7])
    given["debt"] = given["debt"].astype(str).isin(["True", "1", "1.0"])
    np.testing.assert_array_equal(labels(app), model.predict(given))


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    x, y = trained_on(table(), ("no", "yes"))
    other = ["debt", "age", "income"]
    model = trained(x[other], y)
    stored(model, tmp_path)
    app = load(described(tmp_path, "file: m.txt"))
    np.testing.assert_array_equal(labels(app), model.predict(rows(app)[other]))


def test_images_are_rows_of_pixels(tmp_path: Path) -> None:
    images, y = small_images()
    flat = images.reshape(len(images), -1)
    model = trained(flat[:200], y[:200])
    stored(model, tmp_path)
    app = load(described_images(tmp_path, "file: m.txt", images, y))
    given = app.data.holdout.x.reshape(-1, 64)
    np.testing.assert_array_equal(labels(app), model.predict(given))


def test_the_stored_file_loads_again(tmp_path: Path) -> None:
    stored(trained(*trained_on(table(), ("no", "yes"))), tmp_path)
    app = load(described(tmp_path, "file: m.txt\n  integrity: sha256"))
    storage = app.storage
    assert storage is not None
    assert not storage.runs_code
    copy = tmp_path / "copy.txt"
    copy.write_bytes(storage.read())
    again = storage.load(copy).answer(app.data.holdout.x, View.SCORES).scores
    np.testing.assert_array_equal(again, scores(app))
    with pytest.raises(NotOffered):
        storage.save(app.target)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    three = ("low", "middle", "high")
    stored(trained(*trained_on(table(three), three)), tmp_path)
    path = described(tmp_path, "file: m.txt")
    error = refused(path, r"m\.txt knows 3 classes \(multiclass\), but the application lists 2")
    assert "in the order of their numbers" in error.advice
    x, y = trained_on(table(), ("no", "yes"))
    stored(trained(x, y), tmp_path)
    refused(described(tmp_path, "file: m.txt", data="  drop: [debt]\n"), "other columns")
    stored(trained(x.rename(columns={"debt": "job"}), y), tmp_path)
    refused(described(tmp_path, "file: m.txt", words=True, data="  drop: [debt]\n"), "words: job")
    regressor = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(x, x["income"])
    stored(regressor, tmp_path)
    refused(described(tmp_path, "file: m.txt"), "trained for regression, and is not a classifier")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_a_file_that_was_cut_short_is_named(share: float, tmp_path: Path) -> None:
    stored(trained(*trained_on(table(), ("no", "yes"))), tmp_path)
    content = (tmp_path / "m.txt").read_bytes()
    (tmp_path / "m.txt").write_bytes(content[: content.index(b"end of trees")])
    cut_short(tmp_path / "m.txt", share)
    refused(described(tmp_path, "file: m.txt"), r"LightGBM cannot read m\.txt: it was cut short")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(trained(*trained_on(table(), ("no", "yes"))), tmp_path)
    path = described(tmp_path, "file: m.txt")
    without(monkeypatch, "lightgbm")
    with pytest.raises(Exception, match=r"pip install 'goalkeeper\[boosting\]'"):
        load(path)


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"tree\nversion=v4\nnum_class=1\n", True),
        (b"tree\r\nversion=v3\r\n", True),
        (b"tree\n", False),
        (b"trees\nversion=v4", False),
        (b'{"name":"tree","version":"v4"}', False),
    ],
)
def test_it_is_told_by_its_content(content: bytes, *, known: bool, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    assert (kind_of(tmp_path / "m") == ["lightgbm_model"]) is known
