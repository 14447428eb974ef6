"""Kinds of models are found, told apart, and combined into one form."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.describe.kinds import FileKind, Model, ModelContext, ModelFile, target_kinds
from goalkeeper.describe.kinds.base import any_of
from goalkeeper.describe.models import recognising
from goalkeeper.describe.whole_form import application_form, key_kinds, model_keys

FOLDER = Path(__file__).parents[3] / "src" / "goalkeeper" / "describe" / "kinds"


class Starts(FileKind):
    """Recognises files by their first bytes."""

    about = "a file of a test"

    def __init__(self, start: bytes) -> None:
        self.start = start

    def recognises(self, file: ModelFile) -> bool:
        if self.start == b"broken":
            raise ValueError("oops")
        return file.head.startswith(self.start)

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        raise NotImplementedError


class Fallback(Starts):
    """Is asked last."""

    fallback = True


def test_every_file_of_the_folder_is_a_kind_with_words() -> None:
    files = {p.stem for p in FOLDER.glob("[a-z]*.py")} - {"base"}
    assert files <= set(target_kinds())
    for name, kind in target_kinds().items():
        assert kind.about, name
        assert kind.advice, name


def test_the_form_has_the_keys_of_the_kinds() -> None:
    assert {"build", "file", "function"} <= set(model_keys())
    fields: Any = application_form().model_fields["model"].annotation
    for key, kind in key_kinds().items():
        assert fields.model_fields[key].description == kind.about


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"one", ["one"]), (b"onetwo", ["one", "onetwo"]), (b"x", ["x"]), (b"y", [])],
)
def test_a_fallback_is_asked_last(content: bytes, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    file = ModelFile(tmp_path / "m", "")
    kinds: dict[str, FileKind] = {name: Starts(name.encode()) for name in ("one", "onetwo")}
    kinds |= {"o": Fallback(b"o"), "x": Fallback(b"x")}
    assert list(recognising(kinds, file)) == found


def test_a_kind_that_raises_is_left_out_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"one")
    file = ModelFile(tmp_path / "m", "")
    kinds = {"bad": Starts(b"broken"), "one": Starts(b"one")}
    with pytest.warns(UserWarning, match="the kind of model bad was left out: ValueError: oops"):
        assert list(recognising(kinds, file)) == ["one"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(recognising({"one": kinds["one"]}, file)) == ["one"]


def test_words_are_joined() -> None:
    assert any_of(["a"]) == "a"
    assert any_of(["a", "b"]) == "a or b"
    assert any_of(["a", "b", "c"], "and") == "a, b and c"
