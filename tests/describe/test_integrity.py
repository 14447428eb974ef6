"""What an application file says of the protection of its stored model, and hidden code in it."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from goalkeeper.attacks.planted_code._payloads import hide, payloads
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import load
from tests.describe.test_stored_models import Bomb, stored_app, trained
from tests.describe.writing import BASE, write_text_app

GUARD = """\
def small(path):
    return path.stat().st_size < 100_000

def forged(path):
    raise ValueError("forged")
"""


def described(folder: Path, integrity: str = "") -> Path:
    path = stored_app(folder, trained(folder))
    (folder / "guard.py").write_text(GUARD, encoding="utf-8")
    if integrity:
        text = path.read_text(encoding="utf-8")
        text = text.replace("  trust: true\n", f"  trust: true\n  integrity: {integrity}\n")
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.requirement("S24")
@pytest.mark.parametrize(
    ("said", "words", "byte_added"),
    [
        ("", "", True),
        ("none", "", True),
        ("sha256", "sha256", False),
        ("guard.py:small", "guard.py:small", True),
    ],
)
def test_the_declared_check_is_at_work(
    said: str, words: str, *, byte_added: bool, tmp_path: Path
) -> None:
    app = load(described(tmp_path, said))
    storage = app.storage
    assert storage is not None
    assert storage.protection == words
    assert storage.runs_code
    genuine = tmp_path / "copy.joblib"
    genuine.write_bytes(storage.read())
    assert storage.check(genuine)
    labels = storage.load(genuine).answer(app.data.holdout.x, View.LABELS).labels
    own = app.target.answer(app.data.holdout.x, View.LABELS).labels
    np.testing.assert_array_equal(labels, own)
    genuine.write_bytes(storage.read() + b"!")
    assert storage.check(genuine) is byte_added


def test_another_model_is_stored_in_the_same_format(tmp_path: Path) -> None:
    app = load(described(tmp_path))
    assert app.storage is not None
    assert app.trainer is not None
    other = app.trainer.fit(app.data.similar, 1)
    file = tmp_path / "other.joblib"
    file.write_bytes(app.storage.save(other))
    again = app.storage.load(file)
    x = app.data.holdout.x
    np.testing.assert_array_equal(
        again.answer(x, View.LABELS).labels, other.answer(x, View.LABELS).labels
    )


def test_protection_decides_results_and_enters_the_fingerprint(tmp_path: Path) -> None:
    prints = []
    for i, said in enumerate(("", "sha256", "guard.py:small")):
        folder = tmp_path / str(i)
        folder.mkdir()
        app = load(described(folder, said))
        prints.append((app.fingerprint, "guard.py" in app.hashes))
    assert len({p for p, _ in prints}) == 3
    assert [hashed for _, hashed in prints] == [False, False, True]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("sha512", r"model\.integrity: this check of the stored model is not known"),
        ("guard.py:smal", r"guard\.py has no function smal"),
        ("gone.py:small", "does not exist"),
    ],
)
def test_what_is_wrong_with_a_check_is_told(said: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=problem):
        load(described(tmp_path, said))


def test_integrity_needs_a_stored_model(tmp_path: Path) -> None:
    text = BASE.replace(
        "  build: filter.py:build\n", "  build: filter.py:build\n  integrity: sha256\n"
    )
    path = write_text_app(tmp_path, text)
    with pytest.raises(DescriptionError, match="no file of one is given"):
        load(path)
    assert load(write_text_app(tmp_path)).storage is None


@pytest.mark.requirement("S24")
def test_a_trusted_file_with_hidden_code_is_not_loaded(tmp_path: Path) -> None:
    """Trust and hash say that the user means this file; it is looked into all the same."""
    model = trained(tmp_path)
    code = dict(payloads())["os.system"]
    model.write_bytes(hide(model.read_bytes(), code))
    with pytest.raises(DescriptionError, match=r"names functions that run code: os\.system"):
        load(stored_app(tmp_path, model))
    bomb = tmp_path / "bomb.pkl"
    bomb.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(DescriptionError, match=r"pathlib\.Path\.touch"):
        load(stored_app(tmp_path, bomb))
    assert not (tmp_path / "exploded").exists()


def test_a_clean_file_says_that_it_was_scanned(tmp_path: Path) -> None:
    app = load(described(tmp_path))
    said = next(c for c in app.caveats if "scanned before it was loaded" in c)
    assert "all harmless" in said
    digest = hashlib.sha256((tmp_path / "model.joblib").read_bytes()).hexdigest()
    assert app.hashes["model.joblib"] == digest
