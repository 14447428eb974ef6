"""An MLflow model: the file in its folder is loaded by the kind that knows it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goalkeeper.describe import check, load
from tests.describe.kinds.stored import (
    described,
    labels,
    refused,
    rows,
    table,
    trained_on,
    without,
)

lightgbm = pytest.importorskip("lightgbm")


def folder_of(path: Path, flavors: str) -> Path:
    """Write an MLflow model with these flavours; its files are the caller's part."""
    path.mkdir(exist_ok=True)
    text = f"artifact_path: model\nflavors:\n{flavors}  python_function:\n    loader_module: x\n"
    (path / "MLmodel").write_text(text, encoding="utf-8")
    return path


def trained() -> Any:
    x, y = trained_on(table(), ("no", "yes"))
    return lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1).fit(x, y)


def with_lightgbm(path: Path) -> Any:
    folder_of(path, "  lightgbm:\n    data: model.lgb\n    lgb_version: 4.5.0\n")
    model = trained()
    model.booster_.save_model(path / "model.lgb")
    return model


def test_the_file_inside_is_loaded_by_its_own_kind(tmp_path: Path) -> None:
    model = with_lightgbm(tmp_path / "m")
    path = described(tmp_path, "file: m")
    assert check(path) == ()
    app = load(path)
    np.testing.assert_array_equal(labels(app), model.predict(rows(app)))
    assert {"m", "m/model.lgb"} <= set(app.hashes)
    assert app.target.artefact() == tmp_path / "m" / "model.lgb"


def test_a_pickle_inside_is_read_like_any_other(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "m", "  sklearn:\n    pickled_model: model.pkl\n")
    frame = table()[:300]
    model = LogisticRegression().fit(frame[["age", "income", "debt"]].to_numpy(), frame["label"])
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    app = load(described(tmp_path, "file: m"))
    assert [("no", "yes")[i] for i in labels(app)] == list(model.predict(app.data.holdout.x))
    found = check(described(tmp_path, f"file: m\n  sha256: {'0' * 64}"))
    assert "sha256" in str(found[0])


def test_skops_inside_needs_no_trust(tmp_path: Path) -> None:
    skops_io = pytest.importorskip("skops.io")
    folder = folder_of(tmp_path / "m", "  sklearn:\n    pickled_model: model.skops\n")
    frame = table()[:300]
    model = LogisticRegression().fit(frame[["age", "income", "debt"]].to_numpy(), frame["label"])
    skops_io.dump(model, folder / "model.skops")
    app = load(described(tmp_path, "file: m"))
    assert [("no", "yes")[i] for i in labels(app)] == list(model.predict(app.data.holdout.x))


@pytest.mark.parametrize(
    ("flavors", "says"),
    [
        ("  pytorch:\n    model_data: data\n", "flavour pytorch: a torch module is stored with"),
        ("", "flavour python_function: a model of its own is stored with its Python code"),
        ("  onnx:\n    data: model.onnx\n", r"lacks the file of its MLflow flavour onnx \(model"),
        (
            "  onnx:\n    data: ../outside.onnx\n",
            r"names a file outside of it \(\.\./outside\.onnx\)",
        ),
    ],
)
def test_what_is_not_read_is_named(flavors: str, says: str, tmp_path: Path) -> None:
    folder_of(tmp_path / "m", flavors)
    (tmp_path / "outside.onnx").write_bytes(b"\x08\x08:\x02\x0a\x00")
    error = refused(described(tmp_path, "file: m"), says)
    assert "trust: true" not in str(error)


def test_a_broken_description_is_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "m", "")
    for text in ("{", "flavors: 3", "[1]", ""):
        (folder / "MLmodel").write_text(text, encoding="utf-8")
        refused(described(tmp_path, "file: m"), "MLmodel of m lists no flavours")


@pytest.mark.filterwarnings("ignore")  # of MLflow, about its own store
def test_uris_are_resolved_by_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file://{tmp_path / 'runs'}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    model = with_lightgbm(tmp_path / "m")
    client = mlflow.MlflowClient(tracking_uri=f"file://{tmp_path / 'runs'}")
    run = client.create_run(client.create_experiment("e")).info.run_id
    client.log_artifacts(run, str(tmp_path / "m"), "model")
    app = load(described(tmp_path, f"file: runs:/{run}/model"))
    np.testing.assert_array_equal(labels(app), model.predict(rows(app)))
    refused(described(tmp_path, "file: models:/unknown/1"), "MLflow cannot get models:/unknown/1: ")


@pytest.mark.filterwarnings("ignore")
def test_a_server_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    mlflow.set_tracking_uri(None)
    refused(described(tmp_path, "file: models:/credit/1"), "MLflow cannot get models:/credit/1: ")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = described(tmp_path, "file: models:/credit/1")
    without(monkeypatch, "mlflow")
    refused(path, r"pip install 'goalkeeper\[mlflow\]'")
