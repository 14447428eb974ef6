"""What is wrong with data is told with the key that names it, the column and the record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.errors import DescriptionError, GoalkeeperError, MissingExtra
from goalkeeper.describe import check, load
from tests.describe.writing import (
    BASE,
    TABLE,
    mail_lines,
    table_lines,
    write_table_app,
    write_text_app,
)


def told(path: Path, *words: str, key: str) -> None:
    """Check that loading fails with this key and these words, and that `check` agrees."""
    with pytest.raises(DescriptionError) as raised:
        load(path)
    assert raised.value.key == key, str(raised.value)
    for word in words:
        assert word in str(raised.value)
    assert [str(p) for p in check(path)] == [str(raised.value)]


# ---- CSV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("is empty",)),
        (b"PAR1xxxx", ("it should be CSV, but it starts like Parquet",)),
        (b"PK\x03\x04xxxx", ("starts like a ZIP archive",)),
        (b"\x80\x04\x95", ("starts like a pickle",)),
        (b"text,label\nab\0,1\n", ("binary data",)),
        (b"text,label,person,topic\n\xe9t\xe9,ham,a,b\n", ("not utf-8 text", "latin-1")),
        (b"text;label;person;topic\na;b;c;d\n", ("only one column", "separator: ';'")),
        (b"text,text,person,topic\na,b,c,d\n", ("two columns are called 'text'",)),
        (b"text,label,person,topic\na,ham,c,d,e\n" * 2, ("cells than the header",)),
        (b"text,label,person,topic\na,ham,c,d\na,ham,c,d,e\n", ("not well-formed CSV",)),
        (b'text,label,person,topic\n"a,ham,c,d\n', ("not well-formed CSV",)),
    ],
)
def test_csv_that_is_none(content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    path = write_text_app(tmp_path)
    (tmp_path / "mail.csv").write_bytes(content)
    told(path, *words, key="data.file")


def test_latin1_and_semicolons_are_read_when_said(tmp_path: Path) -> None:
    text = BASE.replace("  text: text", "  encoding: latin-1\n  separator: ;\n  text: text")
    path = write_text_app(tmp_path, text)
    lines = [line.replace(",", ";") for line in mail_lines()]
    lines[1] = "caf\xe9 " + lines[1]
    (tmp_path / "mail.csv").write_bytes("\n".join(lines).encode("latin-1"))
    app = load(path)
    texts = [t for part in app.data.sizes() for t in getattr(app.data, part).x]
    assert any(t.startswith("caf\xe9") for t in texts)


def test_an_unknown_encoding_is_told(tmp_path: Path) -> None:
    text = BASE.replace("  text: text", "  encoding: utf-9\n  text: text")
    told(write_text_app(tmp_path, text), "utf-9", key="data.encoding")


def test_too_few_records(tmp_path: Path) -> None:
    told(write_text_app(tmp_path, lines=mail_lines(30)), "30 records are too few", key="data")


def test_a_class_that_is_too_rare_for_the_parts(tmp_path: Path) -> None:
    lines = [line for line in mail_lines() if ",ham," in line or "label" in line]
    path = write_text_app(tmp_path, lines=[*lines, "offer,spam,p1,money"])
    told(path, "no record of class spam fell into the", key="data")


def test_an_unknown_label_names_the_record(tmp_path: Path) -> None:
    lines = mail_lines()
    lines[7] = "hello,hsm,p1,work"
    told(write_text_app(tmp_path, lines=lines), "record 7 of mail.csv", "'hsm'", "ham?",
         key="classes")  # fmt: skip


def test_numbers_are_no_texts(tmp_path: Path) -> None:
    lines = ["text,label,person,topic"]
    lines += [f"{i},{'spam' if i % 3 else 'ham'},p,t" for i in range(100)]
    told(write_text_app(tmp_path, lines=lines), "does not hold texts", key="data.text")


def test_na_and_leading_zeros_in_texts_and_persons_are_kept(tmp_path: Path) -> None:
    lines = mail_lines()
    lines[1], lines[2] = "NA,ham,007,work", ",ham,NA,work"
    app = load(write_text_app(tmp_path, lines=lines))
    parts = [getattr(app.data, part) for part in app.data.sizes()]
    assert "NA" in {text for part in parts for text in part.x}
    assert {"007", "NA"} <= {p for part in parts for p in part.columns["person"]}
    assert any("1 of 240 texts are empty" in caveat for caveat in app.caveats)


# ---- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["NaN", "", "NA"])
def test_a_missing_value_that_may_not_be_names_column_and_record(cell: str, tmp_path: Path) -> None:
    lines = table_lines()
    lines[5] = f"30,{cell},clerk,no"
    text = TABLE.replace("model:", "columns: {income: {missing: never}}\nmodel:")
    told(write_table_app(tmp_path, text, lines=lines), "record 5 of table.csv", "column income",
         "drop: [income]", key="columns.income.missing")  # fmt: skip


def test_a_model_that_takes_no_missing_values_is_named(tmp_path: Path) -> None:
    lines = table_lines()
    lines[::9] = [lines[0], *(f"{i},,clerk,{'yes' if i % 2 else 'no'}" for i in range(26))]
    path = write_table_app(tmp_path, lines=lines)
    with pytest.raises(DescriptionError, match="takes no missing values") as raised:
        load(path)
    assert "in income" in str(raised.value)
    assert "SimpleImputer" in raised.value.advice


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (lambda i: f'"{i % 7},{i % 90 + 10}"', ("decimal comma", 'decimal: ","')),
        (lambda i: f'"{i % 7 + 1},{i % 800 + 100}"', ("thousands", "thousands: ','")),
        (lambda i: f"2024-01-{i % 28 + 1:02d}", ("dates", "type: date")),
        (lambda i: f"{i % 28 + 1}.01.2024", ("dates", "type: date")),
        (lambda i: f"{i}.5 kg", ("unit", "drop: [id]")),
    ],
)
def test_words_that_were_meant_as_numbers_or_dates(
    cells: Callable[[int], str], words: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [f"{line},{'id' if i == 0 else cells(i)}" for i, line in enumerate(table_lines())]
    told(write_table_app(tmp_path, lines=lines), "column id holds", *words, key="data")


def test_numbers_are_no_classes(tmp_path: Path) -> None:
    lines = [f"{line.rpartition(',')[0]},{'label' if i == 0 else f'{i / 7:.3f}'}"
             for i, line in enumerate(table_lines())]  # fmt: skip
    told(write_table_app(tmp_path, lines=lines), "predicts a number (regression)",
         "not assess yet", key="classes")  # fmt: skip


def test_several_labels_are_no_class(tmp_path: Path) -> None:
    lines = table_lines()
    lines[3] = "30,31.5,clerk,yes;no"
    told(write_table_app(tmp_path, lines=lines), "record 3", "multi-label", "'yes;no'",
         key="classes")  # fmt: skip
    text = TABLE.replace("label: label", "label: [label, job]")
    told(write_table_app(tmp_path, text), "multi-label", key="data.label")


def test_the_label_is_no_feature(tmp_path: Path) -> None:
    text = TABLE.replace("  label: label", "  label: label\n  features: [age, label]")
    told(write_table_app(tmp_path, text), "the column of the classes", key="data.features")


def test_a_record_without_a_label_is_named(tmp_path: Path) -> None:
    lines = table_lines()
    lines[4] = "30,31.5,clerk,"
    told(write_table_app(tmp_path, lines=lines), "record 4 of table.csv has no label",
         key="classes")  # fmt: skip


def test_an_infinite_value_names_column_and_record(tmp_path: Path) -> None:
    lines = table_lines()
    lines[9] = "30,inf,clerk,no"
    told(write_table_app(tmp_path, lines=lines), "record 9", "column income", key="data")


def test_an_identifier_is_no_feature(tmp_path: Path) -> None:
    lines = [f"{line},{'id' if i == 0 else f'r{i}'}" for i, line in enumerate(table_lines())]
    told(write_table_app(tmp_path, lines=lines), "column id", "drop: [id]", key="data")


@pytest.mark.parametrize(
    ("columns", "key", "words"),
    [
        ("{agee: {low: 1}}", "columns.agee", ("no such feature", "age?")),
        ("{age: {low: 30}}", "columns.age", ("outside of the bounds", "record")),
        ("{age: {low: 30, high: 10}}", "columns.age.low", ("swap",)),
        ("{income: {type: integer}}", "columns.income", ("not a whole number",)),
        ("{job: {type: number}}", "columns.job", ("not a finite number",)),
        ("{job: {categories: [baker, clerk]}}", "columns.job.categories", ("'smith'",)),
        ("{age: {type: number, categories: [a]}}", "columns.age.categories", ("category",)),
        ("{job: {type: category, low: 1}}", "columns.job", ("no bounds",)),
        ("{age: {low: .inf}}", "columns.age.low", ("finite",)),
    ],
)
def test_wrong_columns(columns: str, key: str, words: tuple[str, ...], tmp_path: Path) -> None:
    text = TABLE.replace("model:", f"columns: {columns}\nmodel:")
    told(write_table_app(tmp_path, text), *words, key=key)


def test_a_group_that_is_not_one_hot(tmp_path: Path) -> None:
    text = TABLE.replace("  label: label", "  label: label\n  one_hot: [[age, income]]")
    told(write_table_app(tmp_path, text), "record 1", "exactly one", key="data.one_hot[0]")


def test_a_model_that_cannot_take_words_says_so(tmp_path: Path) -> None:
    path = write_table_app(tmp_path, TABLE.replace("filter.py:build", "filter.py:build_plain"))
    with pytest.raises(GoalkeeperError, match="could not convert string to float"):
        load(path)


# ---- npz and Parquet ----------------------------------------------------------------------------

NPZ = TABLE.replace("table.csv", "data.npz").replace("[no, yes]", "[0, 1]")


def npz_app(folder: Path, text: str = NPZ, **arrays: object) -> Path:
    """Write an application file on an npz file."""
    path = write_table_app(folder, text.replace("  label: label\n", ""))
    np.savez(folder / "data.npz", **arrays)  # type: ignore[arg-type]
    return path


def test_npz_with_objects_is_not_unpickled(tmp_path: Path) -> None:
    x = np.array([{}] * 80, dtype=object)
    told(npz_app(tmp_path, x=x, y=np.arange(80) % 2), "pickles", key="data.file")


def test_npz_shapes_that_do_not_fit(tmp_path: Path) -> None:
    told(npz_app(tmp_path, x=np.ones((80, 3)), y=np.arange(79)), "do not fit", key="data.file")
    told(npz_app(tmp_path, x=np.ones((80, 3, 3, 3, 3)), y=np.arange(80)), "known kind",
         key="data.file")  # fmt: skip


def test_npz_without_the_array(tmp_path: Path) -> None:
    told(npz_app(tmp_path, z=np.ones((80, 3)), y=np.arange(80)), "no array x", "one of z, y",
         key="data.file")  # fmt: skip


def test_what_is_no_image_or_of_no_known_range(tmp_path: Path) -> None:
    y = np.arange(80) % 2
    told(npz_app(tmp_path, x=np.full((80, 8, 8), 2.5), y=y), "range", "range: [2.5, 2.5]",
         key="data")  # fmt: skip
    told(npz_app(tmp_path, x=np.full((80, 40, 3), -0.5), y=y), "sequences", key="data")
    told(npz_app(tmp_path, x=np.full((80, 40, 3), 0.5), y=y), "sequences", key="data")
    told(npz_app(tmp_path, x=np.full((80, 8, 8), np.nan), y=y), "finite", key="data")


def test_classes_that_are_one_hot_or_several(tmp_path: Path) -> None:
    x, y = np.ones((80, 3)), np.eye(2)[np.arange(80) % 2]
    told(npz_app(tmp_path, x=x, y=y), "one-hot", "argmax", key="data.file")
    y[0] = 1
    told(npz_app(tmp_path, x=x, y=y), "multi-label", key="data.file")


@pytest.mark.parametrize("content", [b"text,label\n1,2\n", b"PAR1 and nothing else PAR1"])
def test_a_parquet_file_that_is_none(content: bytes, tmp_path: Path) -> None:
    path = write_text_app(tmp_path, BASE.replace("mail.csv", "mail.parquet"))
    (tmp_path / "mail.parquet").write_bytes(content)
    told(path, "Parquet", key="data.file")


def test_a_missing_text_in_parquet(tmp_path: Path) -> None:
    path = write_text_app(tmp_path, BASE.replace("mail.csv", "mail.parquet"))
    frame = pd.read_csv(tmp_path / "mail.csv")
    frame.loc[4, "text"] = None
    frame.to_parquet(tmp_path / "mail.parquet")
    told(path, "record 5 of mail.parquet has no text", key="data.text")


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_text_app(tmp_path, BASE.replace("mail.csv", "mail.parquet"))
    (tmp_path / "mail.parquet").write_bytes(b"PAR1PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"goalkeeper\[parquet\]"):
        load(path)


# ---- train and test -----------------------------------------------------------------------------


def split_app(folder: Path, train: list[str], test: list[str], more: str = "") -> Path:
    """Write an application file with a training and a test file."""
    text = BASE.replace("  file: mail.csv\n", f"  train: mail.csv\n  test: test.csv\n{more}")
    parts = "  parts: {train: 0.4, holdout: 0.25, calibration: 0.1, similar: 0.25}\n"
    (folder / "test.csv").write_text("\n".join(test) + "\n", encoding="utf-8")
    return write_text_app(folder, text.replace(parts, ""), train)


def test_overlap_is_an_error_that_names_both_records(tmp_path: Path) -> None:
    lines = mail_lines(400)
    path = split_app(tmp_path, lines[:200], [lines[0], *lines[200:], lines[3]])
    told(path, "of test.csv is also", "as record 3 of mail.csv", "overlap: drop",
         key="data.overlap")  # fmt: skip


def test_overlap_is_dropped_when_asked_and_said(tmp_path: Path) -> None:
    lines = mail_lines(400)
    test = [lines[0], *lines[200:], lines[3]]
    app = load(split_app(tmp_path, lines[:200], test, "  overlap: drop\n"))
    assert app.data.sizes()["train"] == 199
    assert sum(app.data.sizes().values()) == 400
    assert any(c.startswith("1 test records are also") for c in app.caveats)


def test_columns_of_train_and_test_must_agree(tmp_path: Path) -> None:
    lines = mail_lines(400)
    test = [lines[0].replace("topic", "theme"), *lines[200:]]
    told(split_app(tmp_path, lines[:200], test), "the column topic is missing", key="data.test")


def test_part_column_with_an_unknown_part(tmp_path: Path) -> None:
    text = BASE.replace("  subgroups: [topic]", "  part: topic")
    parts = "  parts: {train: 0.4, holdout: 0.25, calibration: 0.1, similar: 0.25}\n"
    told(write_text_app(tmp_path, text.replace(parts, "")), "the part 'work'", key="data.part")
