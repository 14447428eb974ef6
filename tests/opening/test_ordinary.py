"""Ordinary model files are loaded as they were stored, and called clean."""

from __future__ import annotations

import io
import warnings
from typing import Any

import joblib
import numpy as np
import pytest

from goalkeeper.opening import Refused, Unreadable, load, load_torch, scan
from tests.opening import ordinary

LEAST = 600


def complaints(file: ordinary.Ordinary) -> list[str]:
    found = []
    seen = scan(file.content)
    if seen.verdict != "clean":
        found.append(f"{file.name} is {seen.verdict}: {seen.describe()}")
    try:
        if file.name.startswith("torch-"):
            load_torch(file.content)
        else:
            found += differences(file, load(file.content).model)
    except (Refused, Unreadable) as error:
        found.append(f"{file.name}: {error}")
    return found


def differences(file: ordinary.Ordinary, loaded: Any) -> list[str]:
    """Compare with the object that was stored: its type, and what is stored again."""
    if type(loaded) is not type(file.model):
        return [f"{file.name} is a {type(loaded).__name__}"]
    if not hasattr(loaded, "predict") or not ordinary.is_fitted(file.model):
        return []
    x, _ = ordinary.numbers()
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        try:
            wanted, again = (np.asarray(file.model.predict(x)) for _ in range(2))
        except Exception:  # noqa: BLE001 - it takes other data
            return []
        if not np.array_equal(wanted, again):
            return []  # it draws its answers at random
        same = np.array_equal(wanted, np.asarray(loaded.predict(x)))
    return [] if same else [f"{file.name} answers otherwise"]


@pytest.mark.validation
def test_no_ordinary_file_is_refused() -> None:
    count, found = 0, []
    for file in ordinary.files():
        count += 1
        found += complaints(file)
    assert found == []
    assert count >= LEAST


def test_estimators_with_functions_methods_and_kernels() -> None:
    ways = list(ordinary.DUMPS)
    found = []
    for i, (name, model) in enumerate(ordinary.with_functions()):
        way = ways[i % len(ways)]
        content = ordinary.DUMPS[way](ordinary.fitted(model) if i % 4 == 0 else model)
        found += complaints(ordinary.Ordinary(f"{name}-{way}", model, content))
    assert found == []


@pytest.mark.parametrize("source", [ordinary.boosters, ordinary.balanced], ids=lambda s: s.__name__)
def test_models_of_other_packages(source: Any) -> None:
    for module in ("xgboost", "lightgbm", "catboost", "imblearn"):
        pytest.importorskip(module)
    found = []
    for name, model in source():
        for way in ("pickle2", "pickle5", "joblib-zlib"):
            file = ordinary.Ordinary(f"{name}-{way}", model, ordinary.DUMPS[way](model))
            found += complaints(file)
    assert found == []


def test_pipelines() -> None:
    found = []
    for i, (name, model) in enumerate(ordinary.pipelines()):
        way = list(ordinary.DUMPS)[i % len(ordinary.DUMPS)]
        found += complaints(ordinary.Ordinary(f"{name}-{way}", model, ordinary.DUMPS[way](model)))
    assert found == []


def test_parameters_of_torch() -> None:
    pytest.importorskip("torch")
    assert [c for file in ordinary.torch_files() for c in complaints(file)] == []


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a", 1, None], dtype=object),
        np.array([("x", 1.0)], dtype=[("a", "U3"), ("b", ">f8")]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        np.ma.array([1.0, 2.0], mask=[True, False]),
        np.float32(3),
        np.str_("word"),
        {frozenset({1, 2}): {3}, ("a", 1): slice(1, 2), 2.5: complex(1, 2), None: b"x"},
        bytearray(b"xy"),
        10**30,
    ],
    ids=lambda v: type(v).__name__,
)
def test_plain_values_and_arrays(value: Any) -> None:
    for way in ordinary.DUMPS:
        content = ordinary.DUMPS[way](value)
        assert scan(content).verdict == "clean", (way, scan(content).describe())
        loaded = load(content).model
        assert type(loaded) is type(value)
        assert repr(loaded) == repr(value) or np.array_equal(loaded, value)
        if isinstance(value, np.ndarray):
            assert loaded.dtype.kind == value.dtype.kind
            assert loaded.flags.writeable


def test_an_object_in_a_joblib_file_stands_between_arrays() -> None:
    stream = io.BytesIO()
    whole = [np.arange(3.0), "text", np.array(["a", {"b": 1}], dtype=object), np.zeros((0, 2))]
    joblib.dump(whole, stream)
    first, text, objects, none = load(stream.getvalue()).model
    np.testing.assert_array_equal(first, whole[0])
    assert (text, objects[1], none.shape) == ("text", {"b": 1}, (0, 2))
