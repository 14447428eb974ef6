"""A stored Keras 3 model: told by its content, loaded in safe mode, answering as Keras."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from tests.describe.kinds.stored import (
    cut_short,
    described,
    described_images,
    kind_of,
    labels,
    refused,
    scores,
    small_images,
    without,
)

torch = pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")  # which Keras reads when it is imported
keras: Any = pytest.importorskip("keras")

# Keras hands its own numbers to numpy in a way that numpy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
CONFIG = "config.json"


def dense(path: Path, k: int = 2, last: str | None = "softmax", width: int = 3) -> Any:
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((width,)),
        keras.layers.Dense(8, activation="tanh"),
        keras.layers.Dense(k, activation=last),
    ]
    model = keras.Sequential(layers)
    model.save(path)
    return model


def changed(path: Path, old: str, new: str) -> None:
    """Replace text in the configuration of a stored model."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    text = contents[CONFIG].decode()
    assert old in text
    contents[CONFIG] = text.replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("k", "last"), [(2, "softmax"), (2, None), (1, "sigmoid"), (1, None), (3, "softmax")]
)
def test_it_answers_as_keras_does(k: int, last: str | None, tmp_path: Path) -> None:
    model = dense(tmp_path / "m.keras", k, last)
    (tmp_path / "m.keras").rename(tmp_path / "model.pkl")  # the suffix decides nothing
    classes = ("low", "middle", "high") if k == 3 else ("no", "yes")
    path = described(tmp_path, "file: model.pkl", classes)
    assert check(path) == ()
    app = load(path)
    raw = model.predict(app.data.holdout.x.astype("float32"), verbose=0)
    if last is None:
        pair = raw if k > 1 else np.concatenate([0 * raw, raw], axis=1)
        raw = np.exp(pair) / np.exp(pair).sum(axis=1, keepdims=True)
    elif k == 1:
        raw = np.concatenate([1 - raw, raw], axis=1)
    np.testing.assert_allclose(scores(app), raw, atol=1e-5)
    np.testing.assert_array_equal(labels(app), raw.argmax(axis=1))
    assert app.target.offers is View.GRADIENTS
    network: Any = app.target.network(lambda forward, backward: None)  # type: ignore[attr-defined]
    x = torch.tensor(app.data.holdout.x[:20], dtype=torch.float32, requires_grad=True)
    z = network(x)
    np.testing.assert_allclose(torch.softmax(z, 1).detach().numpy(), scores(app)[:20], atol=1e-4)
    z[:, 1].sum().backward()
    assert (x.grad.abs().sum(dim=1) > 0).all()
    assert app.storage is not None
    again = app.storage.load(tmp_path / "model.pkl").answer(app.data.holdout.x, View.LABELS)
    np.testing.assert_array_equal(again.labels, labels(app))


def test_images_come_with_channels_last(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(2, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.save(tmp_path / "m.keras")
    images, y = small_images()
    app = load(described_images(tmp_path, "file: m.keras", images, y))
    given = app.data.holdout.x.transpose(0, 2, 3, 1).astype("float32")
    raw = model.predict(given, verbose=0)
    np.testing.assert_array_equal(labels(app), raw.argmax(axis=1))
    assert app.target.offers is View.GRADIENTS


def test_what_would_run_code_is_refused_and_named(tmp_path: Path) -> None:
    path = described(tmp_path, "file: m.keras")
    dense(tmp_path / "m.keras")
    changed(tmp_path / "m.keras", '"class_name": "Dense"', '"class_name": "Lambda"')
    error = refused(path, r"m\.keras holds the layer Lambda, which loading would run")
    assert "trust: true" not in str(error)
    layer = '"module": "keras.layers", "class_name": "Dense"'
    code = {"module": "builtins", "class_name": "function", "config": "eval"}
    for old, new, named in (
        (layer, layer.replace("keras.layers", "os"), "os.Dense"),
        (layer, '"module": "keras.utils", "class_name": "get_file"', "keras.utils.get_file"),
        ('"tanh"', json.dumps(code), "the function eval"),
    ):
        dense(tmp_path / "m.keras")
        changed(tmp_path / "m.keras", old, new)
        refused(path, f"m.keras holds .*{named}")


def test_a_class_of_ones_own_is_refused(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="own")
    class Twice(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return 2 * x

    keras.Sequential([keras.Input((3,)), Twice(), keras.layers.Dense(2)]).save(tmp_path / "m.keras")
    refused(described(tmp_path, "file: m.keras"), "holds the class own>Twice")


def test_a_list_of_words_in_another_file_is_not_read(tmp_path: Path) -> None:
    dense(tmp_path / "m.keras")
    changed(tmp_path / "m.keras", '"units": 2', '"vocabulary": "/etc/hosts", "units": 2')
    refused(described(tmp_path, "file: m.keras"), "holds the file /etc/hosts")


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    path = described(tmp_path, "file: m.keras")
    dense(tmp_path / "m.keras", 3)
    refused(path, "gives 3 scores an input, but the application lists 2 classes")
    dense(tmp_path / "m.keras", width=5)
    refused(path, r"shape \(any, 5\), but the application has 3 columns")
    (tmp_path / "m.keras").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refused(path, r"an HDF5 file, the format of Keras 2.*save\('model\.keras'\)")
    dense(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["model.weights.h5"] = contents["model.weights.h5"][:500]
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    refused(path, r"weights of m\.keras cannot be read")
    cut_short(tmp_path / "m.keras")
    error = refused(path, "not a model of a kind")
    assert "cut short" in error.given


def test_weights_in_another_file_are_not_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    dense(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with h5py.File(tmp_path / "w.h5", "w") as weights:
        weights["layers"] = h5py.ExternalLink("/etc/hosts", "/")
    contents["model.weights.h5"] = (tmp_path / "w.h5").read_bytes()
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    refused(described(tmp_path, "file: m.keras"), r"not in it, but linked \(layers\)")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dense(tmp_path / "m.keras")
    path = described(tmp_path, "file: m.keras")
    without(monkeypatch, "keras")
    with pytest.raises(Exception, match=r"pip install 'goalkeeper\[keras\]'"):
        load(path)


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    for names, known in (
        (["config.json", "metadata.json", "model.weights.h5"], True),
        (["config.json"], False),
    ):
        with zipfile.ZipFile(tmp_path / "m", "w") as archive:
            for name in names:
                archive.writestr(name, json.dumps({}))
        assert (kind_of(tmp_path / "m") == ["keras_model"]) is known
