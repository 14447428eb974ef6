"""Formats that are no pickles: which run code, and which only look like another one."""

from __future__ import annotations

import io
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goalkeeper.opening import Scan, scan
from tests.opening import ordinary
from tests.opening.payloads import zipped

TENSOR = {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


def safetensors(header: Any, data: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def keras(config: Any) -> bytes:
    return zipped(**{"config.json": json.dumps(config).encode(), "metadata.json": b"{}",
                     "model.weights.h5": b"\x89HDF\r\n\x1a\n"})  # fmt: skip


LAYER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
OTHER = {"module": "subprocess", "class_name": "function", "config": "run"}
FILES: dict[str, tuple[bytes, str, str]] = {
    "safetensors": (safetensors(TENSOR), "model.safetensors", "clean"),
    "metadata": (safetensors({"__metadata__": {"a": "b"}, **TENSOR}), "x", "clean"),
    "gap": (safetensors(TENSOR, bytes(9)), "x", "unknown"),
    "overlap": (safetensors({"a": TENSOR["w"], "b": TENSOR["w"]}), "x", "unknown"),
    "key twice": (safetensors(b'{"w":1,"w":2}'), "x", "unknown"),
    "wrong size": (safetensors({"w": {**TENSOR["w"], "shape": [3]}}), "x", "unknown"),
    "nine bytes": (struct.pack("<Q", 2) + b"{]" + bytes(90), "model.safetensors", "unknown"),
    "keras": (keras({"class_name": "Sequential", "layers": [LAYER]}), "m.keras", "clean"),
    "lambda": (keras({"class_name": "Sequential", "layers": [LAMBDA]}), "m.keras", "unsafe"),
    "other module": (keras({"class_name": "Sequential", "layers": [OTHER]}), "m", "unsafe"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "m.h5", "clean"),
    "hdf5 lambda": (b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Lambda"}', "m.h5", "unsafe"),
    "gguf": (b"GGUF" + bytes(20), "m.gguf", "clean"),
    "gguf template": (b"GGUF" + b"tokenizer.chat_template" + bytes(9), "m.gguf", "unknown"),
    "json": (b'{"architectures": ["X"]}', "config.json", "clean"),
    "auto map": (b'{"auto_map": {"AutoModel": "modeling.X"}}', "config.json", "unknown"),
    "template": (b'{"chat_template": "{{ x }}"}', "tokenizer_config.json", "unknown"),
    "xgboost": (b'{"learner": {}, "version": [2, 1]}', "m.json", "clean"),
    "lightgbm": (b"tree\nversion=v4\n", "m.txt", "clean"),
    "catboost": (b"CBM1" + bytes(20), "m.cbm", "clean"),
    "python": (b"print(1)\n", "modeling.py", "unknown"),
    "library": (b"\x7fELF" + bytes(20), "lib.so", "unknown"),
    "notes": (b"# A model\n\ncity names\nare here\n", "README.md", "clean"),
    "yaml": (b"a: !!python/name:os.system\n", "m.yaml", "unsafe"),
    "numbers": (bytes(range(256)) * 4, "pytorch_model.bin", "unknown"),
    "empty": (b"", "model.pkl", "unreadable"),
    "text that is a pickle": (b"cposix\nsystem\n(S'true'\ntR.", "README.md", "unsafe"),
    "skops": (zipped(**{"schema.json": b'{"__module__": "numpy", "__class__": "ndarray"}'}),
              "m.skops", "clean"),
    "skops own": (zipped(**{"schema.json": b'{"__module__": "mine", "__class__": "Model"}'}),
                  "m.skops", "unknown"),
    "skops os": (zipped(**{"schema.json": b'{"a": [{"__module__": "os", "__class__": "system"}]}'}),
                 "m.skops", "unsafe"),
    "torchscript": (zipped(**{"m/data.pkl": pickle.dumps({}, 2), "m/version": b"3",
                              "m/code/x.py": b"def f(): pass"}), "m.pt", "unknown"),
    "bytes behind": (pickle.dumps({"a": 1}) + b"!", "m.pkl", "unknown"),
    "cut off": (pickle.dumps(LogisticRegression())[:-20], "m.pkl", "unreadable"),
    "lz4": (b"\x04\x22M\x18" + bytes(9), "m.joblib", "unreadable"),
    "damaged": (b"\x1f\x8b" + bytes(9), "m.joblib", "unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_format_has_its_verdict(name: str) -> None:
    content, file, verdict = FILES[name]
    found = scan(content, file)
    assert found.verdict == verdict, found.describe()
    assert found.reasons


def saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_arrays_in_npy_files() -> None:
    for array in (np.zeros((2, 3)), np.zeros(3, dtype=[("a", "<i4"), ("b", "U3")]), np.array("x")):
        assert scan(saved(array)).verdict == "clean", array.dtype
    plain = saved(np.zeros(3))
    assert scan(plain[:-1]).verdict == "unreadable"
    assert scan(plain + b"!").verdict == "unreadable"
    assert scan(saved(np.array([1, "a"], dtype=object))).verdict == "clean"
    large = plain.replace(b"(3,)", b"(9999999999,)".ljust(4))
    assert scan(large).verdict == "unreadable"


def onnx_file(path: str = "", domain: str = "") -> bytes:
    onnx = pytest.importorskip("onnx")
    tensor = onnx.helper.make_tensor("w", 1, [2], np.zeros(2, "f4").tobytes(), raw=True)
    if path:
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=path)
    value = onnx.helper.make_tensor_value_info("y", 1, [2])
    node = onnx.helper.make_node("Identity", ["w"], ["y"], domain=domain)
    graph = onnx.helper.make_graph([node], "g", [], [value], [tensor])
    opsets = [onnx.helper.make_opsetid(domain, 17)] if domain else None
    content: bytes = onnx.helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return content


@pytest.mark.parametrize(
    ("path", "domain", "verdict"),
    [
        ("", "", "clean"),
        ("weights.bin", "", "clean"),
        ("/etc/passwd", "", "unsafe"),
        ("../../secret", "", "unsafe"),
        ("C:\\secret", "", "unsafe"),
        ("", "my.operators", "unknown"),
    ],
)
def test_onnx(path: str, domain: str, verdict: str) -> None:
    found = scan(onnx_file(path, domain), "m.onnx")
    assert (found.form, found.verdict) == ("ONNX", verdict), found.describe()


def test_boosters_in_their_own_formats(tmp_path: Path) -> None:
    for module in ("xgboost", "lightgbm", "catboost"):
        pytest.importorskip(module)
    models = dict(ordinary.boosters())
    files: list[tuple[str, Scan]] = []
    for suffix in ("json", "ubj"):
        models["XGBClassifier"].save_model(tmp_path / f"m.{suffix}")
        files.append((suffix, scan((tmp_path / f"m.{suffix}").read_bytes())))
    models["LGBMClassifier"].booster_.save_model(tmp_path / "m.txt")
    models["CatBoostClassifier"].save_model(tmp_path / "m.cbm")
    files += [(s, scan((tmp_path / f"m.{s}").read_bytes())) for s in ("txt", "cbm")]
    assert [(s, f.verdict) for s, f in files if f.verdict != "clean"] == []


def test_real_safetensors_and_headers_that_begin_like_a_pickle() -> None:
    """A header of 640 bytes begins as a pickle of protocol 2 does."""
    header = {"__metadata__": {"x": ""}, **TENSOR}
    short = len(json.dumps(header))
    header["__metadata__"] = {"x": "y" * (640 - short)}
    content = safetensors(header)
    assert content[:2] == b"\x80\x02"
    assert scan(content).verdict == "clean"
