"""Networks of other people, as their packages ship them, are assessed as black boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.power import View
from goalkeeper.describe import load
from goalkeeper.targets.onnx.session import OnnxModel
from goalkeeper.targets.onnx.wire import is_onnx
from tests.describe.kinds.stored import accuracy, described_texts, labels

KINDS = """\
from magika import Magika

magika = Magika()

def predict(texts):
    found = [magika.identify_bytes(text.encode()).output.label for text in texts]
    return ["python" if label == "python" else "json" for label in found]
"""
LANGUAGES = """\
import numpy as np
from py3langid.langid import LanguageIdentifier, MODEL_FILE

identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
identifier.set_languages(["de", "en"])

def predict(texts):
    rows = [dict(identifier.rank(text)) for text in texts]
    logs = np.array([[row["en"], row["de"]] for row in rows], dtype=float)
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
"""


def code(i: int) -> str:
    names = [f"value_{i}_{j}" for j in range(6)]
    lines = [f"def {name}(x, y={i}):\n    return [x + k for k in range(y)]" for name in names]
    return "import os\n\n" + "\n\n".join(lines)


def document(i: int) -> str:
    entries = [{"id": i + j, "name": f"item {j}", "tags": ["a", "b"]} for j in range(6)]
    return json.dumps({"items": entries, "count": i}, indent=2)


def test_the_network_of_magika_by_a_function(tmp_path: Path) -> None:
    pytest.importorskip("magika")
    (tmp_path / "kinds.py").write_text(KINDS, encoding="utf-8")
    y = np.arange(80) % 2
    texts = [document(i) if kind else code(i) for i, kind in enumerate(y)]
    app = load(
        described_texts(tmp_path, "function: kinds.py:predict", texts, y, ("python", "json"))
    )
    assert accuracy(app) == 1.0


def test_the_network_of_magika_as_onnx() -> None:
    magika = pytest.importorskip("magika")
    pytest.importorskip("onnxruntime")
    path = next((Path(magika.__file__).parent / "models").rglob("*.onnx"))
    assert is_onnx(path)
    model = OnnxModel(path.read_bytes(), path.name)
    given = model.inputs[0]
    rng = np.random.default_rng(0)
    rows: Any = rng.integers(0, 256, (3, given.shape[1])).astype(np.int32)
    scores = model.run([model.outputs[0].name], {given.name: rows})[0]
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-3)
    again = OnnxModel.__new__(OnnxModel)
    again.__setstate__(model.__getstate__())
    np.testing.assert_array_equal(again.run([model.outputs[0].name], {given.name: rows})[0], scores)


def test_the_language_model_of_py3langid(tmp_path: Path) -> None:
    pytest.importorskip("py3langid")
    (tmp_path / "languages.py").write_text(LANGUAGES, encoding="utf-8")
    english = ["the train leaves the station at noon", "we would like to order this book"]
    german = ["der Zug verlässt den Bahnhof am Mittag", "wir möchten dieses Buch bestellen"]
    y = np.arange(80) % 2
    texts = [f"{(german if kind else english)[i // 2 % 2]} {i}" for i, kind in enumerate(y)]
    app = load(described_texts(tmp_path, "function: languages.py:predict", texts, y, ("en", "de")))
    assert app.target.offers is View.SCORES
    np.testing.assert_array_equal(labels(app), app.data.holdout.y)
