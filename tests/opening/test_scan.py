"""Hidden code is found without loading it, and clean models raise no alarm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.attacks.planted_code._payloads import call, cut_off, hide, import_by_name, payloads
from goalkeeper.opening import scan

WAYS = dict(payloads())
CODE = hide(b"", WAYS["os.system"])


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def models() -> list[Any]:
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 3)), rng.integers(0, 3, 60)
    texts = [" ".join(rng.choice(["one", "two", "three", "four"], 5)) for _ in range(60)]
    made = (
        LogisticRegression(),
        MultinomialNB(),
        DecisionTreeClassifier(),
        RandomForestClassifier(5),
        GradientBoostingClassifier(n_estimators=3),
        KNeighborsClassifier(),
        SVC(),
        SGDClassifier(max_iter=5, tol=None),
        MLPClassifier((3,), solver="sgd", max_iter=2, n_iter_no_change=2, early_stopping=True),
        make_pipeline(StandardScaler(), LogisticRegression()),
    )
    with warnings.catch_warnings(action="ignore"):  # few steps on purpose
        fitted = [model.fit(x, y) for model in made]
    text = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, y)
    return [*fitted, text]


MODELS = models()
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)


def packed(model: Any, compress: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump(model, stream, compress=compress)
    return stream.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "a model")
        archive.writestr(name, content)
    return stream.getvalue()


# ---- found ---------------------------------------------------------------------------------------


@pytest.mark.requirement("S24")
@pytest.mark.parametrize("way", WAYS, ids=lambda w: w.replace(" ", "_"))
def test_every_way_to_hide_a_call_is_found(way: str) -> None:
    genuine = packed(MODELS[0], 0)
    for content in (hide(b"", WAYS[way]), hide(genuine, WAYS[way]), cut_off(WAYS[way])):
        found = scan(content)
        assert found.dangerous, found.describe()
        assert found.runs_code
        assert found.suspicious


def test_nothing_is_run(tmp_path: Path) -> None:
    content = pickle.dumps({"model": [Bomb(tmp_path / "exploded")]})
    found = scan(content)
    assert found.suspicious
    assert "pathlib.Path.touch" in found.names
    assert not (tmp_path / "exploded").exists()
    pickle.loads(content)  # noqa: S301 - our own: it shows that the test can fail
    assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "wrap",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda c: lzma.compress(c, format=lzma.FORMAT_ALONE),
        zlib.compress,
        lambda c: zipped("archive/data.pkl", c),
        lambda c: zipped("anything.bin", c),
        lambda c: zipped("inner.zip", zipped("model.pkl", gzip.compress(c))),
    ],
    ids=["gzip", "bz2", "xz", "lzma", "zlib", "torch", "odd name", "zip in zip"],
)
def test_code_is_found_inside_archives(wrap: Callable[[bytes], bytes]) -> None:
    found = scan(wrap(CODE))
    assert found.dangerous == ("os.system",)
    assert found.runs_code


def test_code_is_found_in_arrays_of_objects(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros(2), y=np.array([Bomb(tmp_path / "a")], dtype=object))
    assert "pathlib.Path.touch" in scan(stream.getvalue()).names
    inside = packed({"a": np.array([Bomb(tmp_path / "b")], dtype=object)}, 0)
    assert "pathlib.Path.touch" in scan(inside).names
    assert not list(tmp_path.iterdir())


def test_code_behind_an_array_of_joblib_is_found(tmp_path: Path) -> None:
    """Raw numbers stand between the opcodes; the scan goes on behind them."""
    found = scan(packed([np.arange(100.0), Bomb(tmp_path / "a")], 0))
    assert "pathlib.Path.touch" in found.names
    assert len(found.arrays) == 1


def test_what_cannot_be_read_is_a_problem() -> None:
    genuine = pickle.dumps(MODELS[0])
    assert any("cut off" in p for p in scan(genuine[: len(genuine) // 2]).problems)
    assert scan(b"\x80\x04\x82\x01.").problems  # an extension code
    assert scan(b"\x80\x04\x8c\x02os]\x93.").problems  # a name that is no text
    assert scan(b"PK\x03\x04broken").problems
    assert scan(b"\x1f\x8bbroken").problems
    assert scan(b"").problems


def test_deep_archives_are_not_followed_for_ever() -> None:
    content = CODE
    for _ in range(8):
        content = gzip.compress(content)
    assert scan(content).problems


def test_unknown_is_not_harmless_and_prefixes_do_not_count() -> None:
    def name(module: str, what: str) -> Any:
        return scan(hide(b"", call(import_by_name(module, what), ())))

    assert name("my_package", "Model").unknown == ("my_package.Model",)
    assert name("sklearn.utils", "parallel_backend").suspicious
    assert name("sklearn.linear_model._logistic", "os.system").suspicious
    assert name("sklearn.no_such_module", "Model").suspicious
    assert name("joblib", "load").dangerous
    assert name("numpy.testing._private.utils", "runstring").dangerous


# ---- not found -----------------------------------------------------------------------------------


@pytest.mark.requirement("S24")
@each_model
def test_clean_models_raise_no_alarm(model: Any) -> None:
    """Counted over formats: 0 false alarms of 7 files each."""
    files = [pickle.dumps(model, protocol) for protocol in (2, 4, 5)]
    files += [packed(model, how) for how in (0, 3, ("gzip", 3), ("xz", 3))]
    alarms = [scan(content).describe() for content in files if scan(content).suspicious]
    assert alarms == []


@each_model
def test_raw_numbers_stand_where_the_scan_says(model: Any) -> None:
    content = packed(model, 0)
    for start, end, size in scan(content).arrays:
        values = np.frombuffer(content[start:end], dtype=f"<f{size}")
        assert len(values)
        assert np.isfinite(values).all()


def test_torch_files() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    for value in (module, module.state_dict()):
        for modern in (True, False):
            stream = io.BytesIO()
            torch.save(value, stream, _use_new_zipfile_serialization=modern)
            found = scan(stream.getvalue())
            assert not found.suspicious, found.describe()
            assert found.runs_code
    stream = io.BytesIO()
    torch.save({"weight": torch.arange(6.0)}, stream)
    content = stream.getvalue()
    ((start, end, _),) = scan(content).arrays
    np.testing.assert_array_equal(np.frombuffer(content[start:end], "<f4"), np.arange(6.0))


def test_formats_that_run_no_code() -> None:
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    content = len(header).to_bytes(8, "little") + header + bytes(8)
    found = scan(content)
    assert (found.form, found.runs_code, found.suspicious) == ("safetensors", False, False)
    assert "runs no code" in found.describe()
    skops = zipped("schema.json", b"{}")
    assert (scan(skops).form, scan(skops).runs_code) == ("skops", False)
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    assert not scan(stream.getvalue()).runs_code


def test_what_the_scan_says_would_run_does_run(tmp_path: Path) -> None:
    """The files of the attack load as the genuine model, and the call inside is made."""
    made = tmp_path / "made"
    content = hide(packed(MODELS[0], 0), call(import_by_name("os", "mkdir"), (str(made),)))
    assert scan(content).dangerous == ("os.mkdir",)
    assert not made.exists()
    loaded = joblib.load(io.BytesIO(content))
    assert made.is_dir()
    np.testing.assert_array_equal(loaded.coef_, MODELS[0].coef_)
