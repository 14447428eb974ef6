"""The written example: complete, editable, and evaluated like any other application."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from goalkeeper.core.domain import ImageDomain, TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import HEADER, check, load, schema
from goalkeeper.describe.document import read
from goalkeeper.examples import NAMES, write_example


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example("spam-filter", tmp_path_factory.mktemp("example") / "mail", size=800)


def test_writes_everything(file: Path) -> None:
    assert {path.name for path in file.parent.iterdir()} == {
        "application.yaml", "application.schema.json", "filter.py", "mail.csv", "truth.json",
    }  # fmt: skip
    assert file.read_text(encoding="utf-8").startswith(HEADER)
    written = (file.parent / "application.schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == schema()
    jsonschema.Draft202012Validator(schema()).validate(read(file).value)
    truth = json.loads((file.parent / "truth.json").read_text(encoding="utf-8"))
    assert set(truth) == {"spam_words", "ham_words", "log_odds", "writer", "private"}
    assert len(truth["writer"]) == 800


def test_loads_and_answers(file: Path) -> None:
    assert check(file) == ()
    app = load(file)
    assert sum(app.data.sizes().values()) == 800
    assert app.harmless == 0
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.9


def test_the_same_seed_writes_the_same_mails(file: Path, tmp_path: Path) -> None:
    again = write_example("spam-filter", tmp_path / "again", size=800)
    other = write_example("spam-filter", tmp_path / "other", size=800, seed=1)
    texts = [(f.parent / "mail.csv").read_bytes() for f in (file, again, other)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_refuses_to_overwrite(file: Path) -> None:
    with pytest.raises(DescriptionError, match=r"already holds application\.yaml"):
        write_example("spam-filter", file.parent)


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="did you mean spam-filter"):
        write_example("spam-filtre", tmp_path)
    assert NAMES == ("spam-filter", "cancer-treatment", "digit-reader")


@pytest.mark.requirement("S49")
def test_cancer_treatment_loads_and_answers(tmp_path: Path) -> None:
    path = write_example("cancer-treatment", tmp_path / "app")
    assert check(path) == ()
    jsonschema.Draft202012Validator(schema()).validate(read(path).value)
    app = load(path)
    assert app.membership_is_sensitive
    assert app.sensitive == ("smoker",)
    assert isinstance(app.domain, TableDomain)
    assert {c.name for c in app.domain.columns if c.immutable} == {"smoker"}
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.9


@pytest.mark.parametrize("name", ["application.yaml", "network.yaml"])
def test_digit_reader_loads_and_answers(tmp_path: Path, name: str) -> None:
    if name == "network.yaml":
        pytest.importorskip("torch")
    path = write_example("digit-reader", tmp_path / "app").with_name(name)
    assert check(path) == ()
    jsonschema.Draft202012Validator(schema()).validate(read(path).value)
    app = load(path)
    assert app.domain == ImageDomain(shape=(1, 8, 8))
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.9
