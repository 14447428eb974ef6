"""A model stored by skops: built of trusted types only, and answering as it was."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.describe.kinds.skops_model import SCHEMA
from tests.describe.kinds.stored import (
    NUMBERS,
    cut_short,
    described,
    kind_of,
    labels,
    refused,
    scores,
    table,
    without,
)

skops_io = pytest.importorskip("skops.io")


def trained(*steps: Any) -> Any:
    frame = table()[:300]
    return make_pipeline(*steps).fit(frame[NUMBERS].to_numpy(), frame["label"])


def test_it_answers_as_the_model_does(tmp_path: Path) -> None:
    model = trained(StandardScaler(), LogisticRegression())
    skops_io.dump(model, tmp_path / "model.pkl")  # the suffix decides nothing
    path = described(tmp_path, "file: model.pkl", ("yes", "no"))
    assert check(path) == ()
    app = load(path)
    x = app.data.holdout.x
    np.testing.assert_array_equal(scores(app), model.predict_proba(x)[:, ::-1])
    assert [("yes", "no")[i] for i in labels(app)] == list(model.predict(x))
    assert app.target.offers is View.GRADIENTS
    assert app.trainer is not None
    storage = app.storage
    assert storage is not None
    assert not storage.runs_code
    copy = tmp_path / "copy.skops"
    copy.write_bytes(storage.save(app.target))
    np.testing.assert_array_equal(storage.load(copy).answer(x, View.LABELS).labels, labels(app))


def plain(x: Any) -> Any:
    return np.asarray(x)


def test_other_types_are_named_and_allowed_by_name(tmp_path: Path) -> None:
    model = trained(FunctionTransformer(plain), LogisticRegression())
    skops_io.dump(model, tmp_path / "m.skops")
    name = f"{plain.__module__}.plain"
    error = refused(described(tmp_path, "file: m.skops"), f"not trusted: {name}")
    assert f"`trust_names: [{name}]`" in error.advice
    assert "trust: true" not in str(error)
    app = load(described(tmp_path, f"file: m.skops\n  trust_names: [{name}]"))
    expected = model.predict(app.data.holdout.x)
    assert [("no", "yes")[i] for i in labels(app)] == list(expected)
    refused(described(tmp_path, "file: m.skops\n  trust_names: [os.system]"), "not trusted")


def test_a_name_that_executes_is_never_trusted_by_itself(tmp_path: Path) -> None:
    skops_io.dump(trained(FunctionTransformer(plain), LogisticRegression()), tmp_path / "m.skops")
    with zipfile.ZipFile(tmp_path / "m.skops") as old:
        contents = {name: old.read(name) for name in old.namelist()}
    text = contents[SCHEMA].decode().replace(plain.__module__, "posix")
    contents[SCHEMA] = text.replace('"plain"', '"system"').encode()
    with zipfile.ZipFile(tmp_path / "m.skops", "w") as new:
        for name, content in contents.items():
            new.writestr(name, content)
    error = refused(described(tmp_path, "file: m.skops"), "not trusted")
    assert "posix.system" in error.problem


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    skops_io.dump(trained(LogisticRegression()), tmp_path / "m.skops")
    refused(described(tmp_path, "file: m.skops", ("deny", "grant")), "the class 'no'")
    refused(described(tmp_path, "file: m.skops", data="  drop: [debt]\n"), "expecting 3 features")
    cut_short(tmp_path / "m.skops")
    error = refused(described(tmp_path, "file: m.skops"), "not a model of a kind")
    assert "zip archive that was cut short" in error.given
    with zipfile.ZipFile(tmp_path / "m.skops", "w") as archive:
        archive.writestr("schema.json", "{}")
    refused(described(tmp_path, "file: m.skops"), r"skops cannot read m\.skops")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skops_io.dump(trained(LogisticRegression()), tmp_path / "m.skops")
    path = described(tmp_path, "file: m.skops")
    without(monkeypatch, "skops")
    with pytest.raises(Exception, match=r"pip install 'goalkeeper\[skops\]'"):
        load(path)


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    for names, known in ((["schema.json", "1.npy"], True), (["a/schema.json"], False)):
        with zipfile.ZipFile(tmp_path / "m", "w") as archive:
            for name in names:
                archive.writestr(name, "{}")
        assert (kind_of(tmp_path / "m") == ["skops_model"]) is known
